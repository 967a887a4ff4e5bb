import { ConclaveError } from '../ground/errors.js';
import type { NodeId } from '../raft/entry.js';

/** A member's data is not there and was once. It does not start: it would vote as if it had promised nothing. */
export class DataLostError extends ConclaveError {
  constructor(id: NodeId, how: string) {
    super(
      'DATA_LOST',
      `The data of node ${id} is gone: ${how}. It does not start without it, for it would vote as if it had promised nothing. Bring its directory back, or remove the member and let one without data join, under this number or another: docs/operations.md says how.`,
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

/** A process without data was to join a cluster under the number of a member. Nothing was changed. */
export class MemberExistsError extends ConclaveError {
  constructor(id: NodeId, cluster: string) {
    super(
      'MEMBER_EXISTS',
      `Node ${id} is a member of cluster ${cluster} already, and there is no data of it here. Join under a number that is free; or, if that member is lost, remove it first ("remove ${id}" at "conclave connect").`,
    );
  }
}
