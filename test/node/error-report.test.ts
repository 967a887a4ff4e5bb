import { expect } from 'chai';
import * as errors from '../../src/ground/errors.js';
import { errorOf, reportOf } from '../../src/node/host/error-report.js';
import * as storageErrors from '../../src/storage/errors.js';

/** There and back, as between two threads. */
function travelled(error: unknown): errors.ConclaveError {
  return errorOf(structuredClone(reportOf(error)));
}

describe('An error that comes from another thread', () => {
  const cause = new Error('no space');
  const every: errors.ConclaveError[] = [
    new errors.InvalidOptionError('wrong'),
    new errors.NotLeaderError(0, 2, 7),
    new errors.QuorumUnavailableError('none'),
    new errors.OutcomeUnknownError('who knows'),
    new errors.CommandTooLargeError(2, 1),
    new errors.OverloadedError('full'),
    new errors.NodeDeadError(3),
    new errors.CommandRejectedError(),
    new errors.ApplicationError('threw'),
    new errors.ClosedError('Node 1'),
    new storageErrors.DirectoryLockedError('/data', 123, 'somebody'),
    new storageErrors.LogLostError('/data', 1),
    new storageErrors.WrongNodeError('file', 1, 2),
    new storageErrors.WrongClusterError('file', 'a', 'b'),
    new storageErrors.UnknownFormatError('file', 1, 2),
    new storageErrors.WalDamagedError('file', 99, 'torn'),
    new storageErrors.StorageFailedError('Writing', cause),
    new storageErrors.InvalidBatchError(3, 'a gap'),
    new storageErrors.NotRecoveredError(),
  ];
  for (const error of every) {
    it(`is a ${error.name} still, with all that it says`, () => {
      const arrived = travelled(error);
      expect(arrived).to.be.instanceOf(error.constructor);
      expect({ ...arrived }).to.deep.equal({ ...error });
      expect(arrived.message).to.equal(error.message);
    });
  }

  it('says where an application threw', () => {
    function inTheApplication(): never {
      throw new RangeError('out of range');
    }
    try {
      inTheApplication();
    } catch (cause) {
      const arrived = travelled(new errors.ApplicationError('It failed', { cause }));
      expect(arrived.stack)
        .to.match(/^ApplicationError: It failed/)
        .and.match(/inTheApplication/);
      expect(travelled(cause).stack).to.match(/inTheApplication/);
    }
  });

  it('is a plain one when something was thrown that is no error', () => {
    expect(travelled('a string')).to.include({ code: 'UNEXPECTED', message: 'a string' });
  });
});
