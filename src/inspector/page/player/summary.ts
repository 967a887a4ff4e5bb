import type { ClusterState } from '../../recording/cluster-state.js';
import { isLeading, type NodeSeen } from '../../recording/node-seen.js';
import { seconds } from '../base/words.js';
import type { Look } from './player.js';

/** The page's first line: who leads and since when, who runs, how the network is cut. */
export function summaryOf(look: Look, isLost: boolean): string {
  const text = standingText(look);
  if (!isLost || look.isFile || look.mode !== 'live') return text;
  return `Not connected since ${seconds(look.timeline.lastAt)}. At that moment: ${text} What happened since is not known here.`;
}

function standingText({ state, timeline }: Look): string {
  const { nodes, network, leader } = state;
  const known = [...nodes.values()];
  const running = known.filter(({ life }) => life === 'running').length;
  const groups = network?.groups ?? [];
  const cut =
    groups.length > 1 ? ` Cut into ${groups.map((group) => `{${group.join(' ')}}`).join(' ')}.` : '';
  const run = `${running} of ${known.length} nodes run.${cut}${changing(state)}`;
  if (network === null) return 'Nothing is known yet.';
  if (leader === null) return `No leader. ${run}`;
  return `Node ${leader.id} leads term ${leader.state?.term}${sinceText(leader, timeline.hasForgotten)}.${deposed(state, leader)} ${run}`;
}

function sinceText({ roleSince }: NodeSeen, hasForgotten: boolean): string {
  if (roleSince !== null) return ` since ${seconds(roleSince)}`;
  return hasForgotten ? ', since before this was watched' : '';
}

/** Members that are about to change, and that some do not vote. */
function changing({ configuration, nodes }: ClusterState): string {
  const { data, learners } = configuration;
  const outside = [...nodes.keys()].filter((id) => !configuration.isMember(id));
  const listed = (ids: readonly number[]) => `${ids.length === 1 ? 'Node' : 'Nodes'} ${ids.join(', ')}`;
  return [
    ...(data.outgoing === null
      ? []
      : [
          ` The voters change: it takes a majority of ${data.outgoing.map(({ id }) => id).join(', ')} and one of ${data.voters.map(({ id }) => id).join(', ')}.`,
        ]),
    ...(learners.length === 0
      ? []
      : [` ${listed(learners)} only ${learners.length === 1 ? 'learns' : 'learn'}.`]),
    ...(outside.length === 0
      ? []
      : [` ${listed(outside)} ${outside.length === 1 ? 'is no member' : 'are no members'}.`]),
  ].join('');
}

/** Who was cut off may lead an old term in its own eyes: it can commit nothing. */
function deposed({ nodes }: ClusterState, leader: NodeSeen): string {
  const others = [...nodes.values()].filter((node) => node !== leader && isLeading(node));
  return others
    .map(({ id, state }) => ` Node ${id} still holds itself for the leader of term ${state?.term}.`)
    .join('');
}
