import type { NodeId } from '../../raft/entry.js';
import type { LinkPolicy } from '../../router/link-policy.js';
import type { Happening, LinkMark } from './format.js';

/** Changes of links that follow each other within this time, in milliseconds, were one act of somebody. */
const oneActMs = 1_000;

/** What a change makes of a link, in words. */
export function describeChange(change: Partial<LinkPolicy>): string {
  const { cut, latencyMsMin, latencyMsMax, loss, duplication, reordering, distribution } = change;
  const words: string[] = [];
  if (cut !== undefined) words.push(cut ? 'cut' : 'mended');
  const [min, max] = [latencyMsMin ?? latencyMsMax, latencyMsMax ?? latencyMsMin];
  if (min !== undefined && max !== undefined) words.push(`${min === max ? min : `${min}–${max}`} ms`);
  if (loss !== undefined) words.push(loss === 0 ? 'nothing lost' : `${percent(loss)} lost`);
  if (duplication !== undefined)
    words.push(duplication === 0 ? 'nothing doubled' : `${percent(duplication)} doubled`);
  if (reordering !== undefined)
    words.push(reordering === 0 ? 'in order' : `${percent(reordering)} out of order`);
  if (words.length === 0 && distribution !== undefined) words.push(`${distribution} latency`);
  return words.join(', ');
}

/** The text of a mark of one link, or of all where no ends are named. */
export function linkMarkText(link: LinkMark): string {
  return `${where([link])}: ${link.what}`;
}

/** What happened as people see it: what one act did to many links is one of them. */
export function gatherActs<H extends Happening>(happenings: readonly H[]): H[] {
  const gathered: H[] = [];
  let act: { readonly links: LinkMark[]; readonly mark: Happening['mark']; lastAt: number } | null = null;
  for (const happening of happenings) {
    const { link, mark, at } = happening;
    const first = gathered.at(-1);
    const continues =
      act !== null && link?.what === act.links[0]?.what && mark === act.mark && at - act.lastAt <= oneActMs;
    if (link === undefined) act = null;
    else if (continues && act !== null && first !== undefined) {
      act.links.push(link);
      act.lastAt = at;
      gathered[gathered.length - 1] = { ...first, text: `${where(act.links)}: ${link.what}` };
      continue;
    } else act = { links: [link], mark, lastAt: at };
    gathered.push(happening);
  }
  return gathered;
}

function where(links: readonly LinkMark[]): string {
  const [one = { from: null, to: null }] = links;
  const ends = links.map(({ from, to }) => [from, to]);
  if (links.every(({ from, to }) => from === one.from && to === one.to)) return oneLink(one);
  const pair = [one.from, one.to];
  if (ends.every((each) => each.every((id) => pair.includes(id)))) return `link ${one.from} ↔ ${one.to}`;
  const shared = pair.find((id) => ends.every((each) => each.includes(id)));
  return shared === undefined || shared === null ? `${links.length} links` : `links of node ${shared}`;
}

function oneLink({ from, to }: { readonly from: NodeId | null; readonly to: NodeId | null }): string {
  if (from === null && to === null) return 'every link';
  if (to === null) return `links from node ${from}`;
  return from === null ? `links to node ${to}` : `link ${from} → ${to}`;
}

function percent(probability: number): string {
  return `${Number((probability * 100).toFixed(1))} %`;
}
