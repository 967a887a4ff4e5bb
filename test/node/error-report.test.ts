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
    new errors.ApplicationError('threw', {}, 12),
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

  it('has a cause still, of which many may be told: without where it was thrown', () => {
    const cause = new errors.ApplicationError('It failed to apply entry 7', {}, 7);
    const arrived = travelled(new errors.OutcomeUnknownError('who knows', { cause }));
    expect(arrived.cause).to.be.instanceOf(errors.ApplicationError).and.include({ index: 7 });
    expect((arrived.cause as Error).message).to.equal(cause.message);
    expect(reportOf(new errors.OutcomeUnknownError('who knows', { cause })).cause).to.not.have.property(
      'stack',
    );
    expect(travelled(new errors.OutcomeUnknownError('who knows'))).to.not.have.own.property('cause');
  });

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

describe('What an application throws', () => {
  const thrownWith = (fields: object) => Object.assign(new Error('of its own'), fields);
  // Looked up on a plain object, each of these finds something that is no class.
  for (const code of ['toString', 'constructor', '__proto__', 'hasOwnProperty', 'valueOf']) {
    it(`may bear the code ${code}`, () => {
      const arrived = travelled(thrownWith({ code }));
      expect(arrived).to.be.instanceOf(errors.ConclaveError).and.include({ code, message: 'of its own' });
      expect(String(arrived)).to.equal('ConclaveError: of its own');
    });
  }

  it('may be of any length: what is told of it is not', () => {
    const long = 'x'.repeat(1_000_000);
    const { code, message, stack } = travelled(thrownWith({ code: long, message: long, stack: long }));
    expect(code.length).to.be.lessThan(100);
    expect(message)
      .to.match(/^x+… \(1000000 characters\)$/)
      .and.have.length.lessThan(5000);
    expect(stack).to.have.length.lessThan(20_000);
    const own = Object.assign(new errors.ConclaveError('OWN', 'own'), { detail: long, toString: long });
    const report = reportOf(own);
    expect(JSON.stringify(report)).to.have.length.lessThan(10_000);
    expect(String(errorOf(report))).to.equal('ConclaveError: own');
  });

  it('may be anything, or throw again when it is asked', () => {
    const thrown = () => {
      throw new Error('again');
    };
    const hostile: readonly unknown[] = [
      null,
      undefined,
      Symbol('odd'),
      Object.create(null),
      { toString: thrown },
      thrownWith({ code: {}, stack: 7 }),
      Object.defineProperty(new Error('read'), 'code', { get: thrown }),
      Object.defineProperty(new Error(), 'message', { get: thrown }),
      Object.defineProperty(new errors.ConclaveError('OWN', 'own'), 'more', {
        get: thrown,
        enumerable: true,
      }),
      new Proxy(new Error(), { getPrototypeOf: thrown }),
    ];
    for (const each of hostile) expect(travelled(each).message).to.be.a('string');
  });
});
