import { ConclaveError } from '../ground/errors.js';
import type { NodeId } from '../raft/entry.js';

/** A member's data is not there and was once. It does not start: it would vote as if it had promised nothing. */
export class DataLostError extends ConclaveError {
  constructor(id: NodeId, how: string) {
    super(
      'DATA_LOST',
      `The data of node ${id} is gone: ${how}. It does not start without it, for it would vote as if it had promised nothing. Bring its directory back, or give the cluster a new member under a number that was never used.`,
    );
  }
}

/** The process is to be another node, of another cluster, or among other members than its data is of. */
export class WrongServerError extends ConclaveError {
  constructor(directory: string, found: string, wanted: string) {
    super(
      'WRONG_SERVER',
      `${directory} holds ${found}, and this was started as ${wanted}. Nothing was changed: choose another directory, or start what it holds.`,
    );
  }
}
