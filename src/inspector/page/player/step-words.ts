import type { ObservedChange } from '../../../node/watch/observation.js';
import type { NodeId } from '../../../raft/entry.js';
import type { ClusterState } from '../../recording/cluster-state.js';
import type { NodeStep, Step, TakenStep } from '../../recording/format.js';
import { nodeTransitionWords } from '../chart/machine-words.js';

/* A step as a sentence. */

/** What happens in a step. @param state how everything stands after it. */
export function stepWords(step: Step, state: ClusterState): string {
  switch (step.kind) {
    case 'network':
      return step.told?.text ?? 'the network is wired';
    case 'members':
      return step.told?.text ?? `nodes ${step.nodes.join(', ')}, of whom ${step.voters.join(', ')} vote`;
    case 'mark':
      return step.text;
    case 'outer': {
      const to = step.active.join(', ');
      return step.taken === undefined
        ? `${step.chart} is ${to}`
        : `${step.chart}: ${to} (${step.taken.cause})`;
    }
    default:
      return nodeWords(step, state);
  }
}

function nodeWords(step: NodeStep, state: ClusterState): string {
  const node = `node ${step.node}`;
  switch (step.kind) {
    case 'stand':
      return `${node} tells how it stands`;
    case 'life':
      return step.told?.text ?? `${node} is ${step.life}`;
    case 'send':
      return `${node} sends to ${named(step.to)}: ${step.text}`;
    case 'apply':
      return sentence(node, changeWords(step.change, step.node, state));
    case 'tally': {
      const count = step.messages.reduce((total, each) => total + each.count, 0);
      const did = `${count} messages in ${Math.max(1, Math.round(step.at - step.since))} ms`;
      return sentence(`${node}: ${did}`, changeWords(step.change, step.node, state), '; ');
    }
    case 'chart': {
      const { heard } = step;
      const why = heard === undefined ? whyWords(step) : `hears from node ${heard.from}: ${heard.text}`;
      const changes = changeWords(step.change, step.node, state);
      return changes.length === 0 ? `${node}: ${why}` : `${node}: ${why} → ${changes.join(', ')}`;
    }
  }
}

/** In the words of its machine, where it has some. */
function whyWords({ transitions, cause }: TakenStep): string {
  const own = transitions.map(({ id }) => nodeTransitionWords(id)).find((words) => words !== '');
  return own === undefined ? causeWords(cause) : own;
}

function sentence(subject: string, parts: readonly string[], joint = ' '): string {
  return parts.length === 0 ? subject : `${subject}${joint}${parts.join(', ')}`;
}

/** Why a chart moves, as what its node does. */
export function causeWords(cause: string): string {
  const timer = /^(\w+) over$/.exec(cause)?.[1];
  if (timer === 'electionTimeout') return 'has its election timer run out';
  if (timer === 'heartbeatInterval') return 'is due to send heartbeats';
  if (timer === 'blockInterval') return 'is due to propose a block';
  if (timer === 'leaseRemainder') return 'has waited for the lease of the leader before it';
  const message = /^(\w+) from node (\d+), term (\d+)$/.exec(cause);
  if (message !== null) return `acts on the ${message[1]} of node ${message[2]}`;
  const told: Record<string, string> = {
    'client.propose': 'is given a command',
    'client.read': 'is asked to read',
    'disk.durable': 'has written to its disk',
    'host.stop': 'is stopped',
    'host.revive': 'is revived',
    'host.campaign': 'is told to stand for election',
    'host.setCandidacy': 'is told whether it may stand for election',
    'host.produceBlocks': 'is told how often to propose a block',
  };
  return told[cause] ?? `takes ${cause}`;
}

/** What is otherwise now, most important first. */
export function changeWords(change: ObservedChange | undefined, node: NodeId, state: ClusterState): string[] {
  if (change === undefined) return [];
  const { role, term, votedFor, votes, log, commitIndex, height, leaderId, heardLeader, links } = change;
  const seen = state.nodes.get(node);
  const words: string[] = [];
  if (role !== undefined) words.push(`is ${role}`);
  if (term !== undefined) words.push(`term ${term}`);
  if (votedFor !== undefined && votedFor !== null) {
    words.push(votedFor === node ? 'votes for itself' : `votes for node ${votedFor}`);
  }
  if (votes !== undefined && seen !== undefined && seen.state?.role !== 'leader') {
    const granted = votes.filter(([, isGranted]) => isGranted).length;
    words.push(`${granted} of ${state.configuration.voters.length} for it`);
  }
  if (leaderId !== undefined && role !== 'leader') {
    words.push(leaderId === null ? 'knows no leader' : `follows node ${leaderId}`);
  }
  if (log !== undefined) words.push(`log through ${log.last}`);
  if (commitIndex !== undefined) words.push(`committed through ${commitIndex}`);
  if (height !== undefined) words.push(`applied through ${height}`);
  for (const { peer, transition, state: link } of links ?? []) {
    if (transition !== undefined) words.push(`link to node ${peer} ${link}`);
  }
  if (words.length === 0 && heardLeader) words.push('timer renewed');
  return words;
}

function named(ids: readonly NodeId[]): string {
  if (ids.length === 1) return `node ${ids[0]}`;
  return `nodes ${ids.slice(0, -1).join(', ')} and ${ids.at(-1)}`;
}
