import type { NodeId } from '../../raft/entry.js';

/*
 * What the host of a node is told to do to its links, and to the node, for experiments: by an operator elsewhere, where
 * the process allows it. The node's thread passes these on to its host, which has the router.
 */

/** What one directed link may be told, see `LinkPolicy`. The router says what of it is wrong. */
export type LinkWords = Readonly<Record<string, number | string | boolean>>;

export type ChaosOrder =
  | { readonly type: 'partition'; readonly groups: readonly (readonly NodeId[])[] }
  | { readonly type: 'isolate'; readonly id: NodeId }
  | { readonly type: 'cut' | 'mend'; readonly from: NodeId; readonly to: NodeId }
  | { readonly type: 'heal' }
  | {
      readonly type: 'setLink';
      readonly change: LinkWords;
      readonly from?: NodeId | undefined;
      readonly to?: NodeId | undefined;
    }
  /** Deaf and mute, with its memory, or so no longer. */
  | { readonly type: 'stop' | 'revive' }
  | { readonly type: 'setCandidacy'; readonly allowed: boolean }
  /** Say how the links are wired, and change nothing. */
  | { readonly type: 'wiring' };

/** More groups, or members of one, than a cluster has. */
const membersMax = 256;
const wordsMax = 16;

/** An order of somebody elsewhere, or null if it is none. Never throws. */
export function chaosOrderIn(value: unknown): ChaosOrder | null {
  const { type, groups, id, from, to, change, allowed } = (value ?? {}) as Readonly<Record<string, unknown>>;
  switch (type) {
    case 'heal':
    case 'stop':
    case 'revive':
    case 'wiring':
      return { type };
    case 'isolate':
      return isId(id) ? { type, id } : null;
    case 'cut':
    case 'mend':
      return isId(from) && isId(to) ? { type, from, to } : null;
    case 'setCandidacy':
      return typeof allowed === 'boolean' ? { type, allowed } : null;
    case 'partition':
      return isList(groups) && groups.every((group) => isList(group) && group.every(isId))
        ? { type, groups: groups as NodeId[][] }
        : null;
    case 'setLink': {
      const areEnds = [from, to].every((end) => end === undefined || isId(end));
      return areEnds && areWords(change)
        ? { type, change, from: from as NodeId | undefined, to: to as NodeId | undefined }
        : null;
    }
    default:
      return null;
  }
}

function isId(value: unknown): value is NodeId {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isList(value: unknown): value is unknown[] {
  return Array.isArray(value) && value.length <= membersMax;
}

function areWords(value: unknown): value is LinkWords {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const words = Object.values(value);
  return (
    words.length <= wordsMax && words.every((word) => ['number', 'string', 'boolean'].includes(typeof word))
  );
}
