import type { NodeId } from '../../raft/entry.js';
import type { Campaign } from './campaign.js';
import type { ClusterState } from './cluster-state.js';
import type { TakenStep } from './format.js';
import type { NodeSeen } from './node-seen.js';

/* Why something happened in an election, in words, from what is known of everybody at that moment. */

/** Why a node begins to campaign. @param was the node before it did, and `state` how everybody else stands. */
export function whyItCampaigns({ cause, at }: TakenStep, was: NodeSeen, state: ClusterState): string {
  if (cause === 'host.campaign') return 'it was told to stand';
  const waitedMs = Math.round(at - was.timerSince);
  const { role, leaderId, timer } = was.state ?? { role: null, leaderId: null, timer: null };
  if (role === 'preCandidate' || role === 'candidate') {
    return `no majority had answered it within ${waitedMs} ms`;
  }
  const timeout = timer === null ? '' : ` of ${Math.round(timer.timeoutMs)} ms`;
  const ranOut = `its election timer${timeout} ran out`;
  if (leaderId === null) return `${ranOut}, and it knew of no leader`;
  return `${ranOut} without a word from node ${leaderId}, ${fateOf(leaderId, was.id, at, state)}`;
}

/** What kept a leader from being heard. */
function fateOf(leader: NodeId, by: NodeId, at: number, { nodes, network }: ClusterState): string {
  const node = nodes.get(leader);
  if (node === undefined) return 'of which nothing is known';
  const { life, lifeSince, state } = node;
  const ago = lifeSince === null ? '' : ` ${Math.round(at - lifeSince)} ms before`;
  if (life === 'crashed') return `which had crashed${ago}`;
  if (life === 'stopped' || state?.role === 'dead')
    return `which was stopped${life === 'stopped' ? ago : ''}`;
  if (life === 'unreachable') return `which could not be reached${ago}`;
  if (life === 'paused') return `which was paused${ago}`;
  const together = network?.groups.some((group) => group.includes(leader) && group.includes(by)) ?? true;
  if (!together) return 'from which a partition keeps it';
  const link = network?.links.find(({ from, to }) => from === leader && to === by)?.policy ?? network?.link;
  if (link?.cut) return 'the link from which is cut';
  if (state !== null && state.role !== 'leader') return 'which leads no longer';
  if (link !== undefined && link.loss > 0) {
    return `whose messages are lost at ${Math.round(link.loss * 100)} %`;
  }
  if (link !== undefined && link.latencyMsMax >= slowMs) {
    return `whose messages take ${link.latencyMsMin} to ${link.latencyMsMax} ms`;
  }
  return 'which runs: its messages came too late';
}

/** Latencies that elections may come from, in milliseconds: the shortest election timeout by default is 150. */
const slowMs = 75;

/** Why a node that campaigned follows again. */
export function whyItGivesUp({ cause, heard, transitions }: TakenStep, campaign: Campaign): string {
  if (
    transitions.some(
      ({ id }) => id === `alive.${campaign.stood === null ? 'preCandidate' : 'candidate'}:always:1`,
    )
  ) {
    return 'so many refused that no majority was left';
  }
  const from = heard?.from ?? /from node (\d+)/.exec(cause)?.[1];
  if (heard?.message === 'appendEntries' || heard?.message === 'heartbeat') {
    return `it heard node ${from}, which leads`;
  }
  if (cause === 'host.stop') return 'it was stopped';
  if (from !== undefined) return `node ${from} told it of a newer term`;
  return 'no majority had answered in time';
}

/** Why a leader leads no longer. */
export function whyItResigns({ cause, heard, transitions }: TakenStep): string {
  const isTaken = (id: string) => transitions.some((each) => each.id === id);
  if (isTaken('alive.leader.pulse.beating:after heartbeatInterval:0')) {
    return 'for an election timeout no majority had answered it';
  }
  if (isTaken('alive.leader.pulse.beating:after heartbeatInterval:1')) return 'its disk had stalled';
  if (cause === 'host.stop') return 'it was stopped';
  const from = heard?.from ?? /from node (\d+)/.exec(cause)?.[1];
  return from === undefined ? cause : `node ${from} told it of a newer term`;
}
