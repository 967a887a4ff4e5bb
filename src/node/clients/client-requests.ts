import type { ConclaveError } from '../../ground/errors.js';
import type { NodeId } from '../../raft/entry.js';
import { reportOf } from '../host/error-report.js';
import type { HostReply } from '../host/protocol.js';

/** Takes the answers to one client's requests. */
export type Reply = (reply: HostReply) => void;

/** Commands of one client, numbered `first`, `first + 1`, … by it. */
export interface Proposal {
  readonly first: number;
  readonly commands: readonly Uint8Array[];
  readonly reply: Reply;
}

/** A client's question, or a follower's request for a read index on behalf of its own client. */
export type Read =
  | { readonly kind: 'client'; readonly request: number; readonly query: Uint8Array; readonly reply: Reply }
  | { readonly kind: 'peer'; readonly from: NodeId; readonly request: number };

/** Nothing of the proposal was appended. */
export function refuseProposal(proposal: Proposal, error: ConclaveError): void {
  const { first, commands } = proposal;
  proposal.reply({ type: 'refused', first, count: commands.length, error: reportOf(error) });
}
