import { describeLeader } from '../../console/conditions.js';
import { parseLine } from '../../console/language.js';
import { nodeStatus, statusTable } from '../../console/look.js';
import { hasConverged, takePicture } from '../../console/picture.js';
import { TimeoutError } from '../../ground/errors.js';
import { unlessStopped } from '../execute.js';
import { paintFor } from '../live/paint.js';
import type { PlainOutput } from '../output.js';
import type { Session } from '../session.js';
import { InputReplication } from './input.js';
import { counted, progressLine } from './progress.js';
import type { Source } from './source.js';

const showEveryMs = 100;
/** Not on a terminal, lines that tell the progress are this sparse. */
const tellEveryMs = 2_000;

/**
 * Replicates a source line by line, waits until the nodes agree, and answers with each node's height and digest.
 * With JSON it reports ten times a second how many lines are acknowledged.
 * @returns whether all went well.
 */
export async function runInput(
  source: Source,
  session: Session,
  output: PlainOutput,
  stop: AbortSignal,
): Promise<boolean> {
  const replication = new InputReplication(session.context.store);
  const startedAt = performance.now();
  const display = showProgress(replication, source.bytes, startedAt, output);
  try {
    const ended = await unlessStopped(
      replication.run(source.stream).then(() => true),
      stop,
    );
    display.end();
    if (ended === null) return interrupted(replication, output);
    const seconds = (performance.now() - startedAt) / 1000;
    const nodes = await unlessStopped(settledNodes(session, stop), stop);
    if (nodes === null) return interrupted(replication, output);
    const { acknowledged } = replication.progress;
    output.answer('input', {
      fields: {
        done: true,
        lines: acknowledged,
        acknowledged,
        seconds: Number(seconds.toFixed(3)),
        linesPerSecond: Math.round(acknowledged / seconds),
        nodes: nodes.map(nodeStatus),
      },
      lines: [
        `${counted(acknowledged, 'line')} in ${seconds.toFixed(2)} s; ${describeLeader(session.cluster)}`,
        ...statusTable(nodes, session.cluster.network()),
      ],
    });
    return true;
  } catch (error) {
    display.end();
    output.failure('input', error, whereFailed(replication));
    return false;
  } finally {
    source.stream.destroy();
  }
}

function whereFailed(replication: InputReplication): Readonly<Record<string, unknown>> {
  const { acknowledged } = replication.progress;
  return { done: true, acknowledged, failedLine: replication.failedLine };
}

function interrupted(replication: InputReplication, output: PlainOutput): false {
  const { acknowledged } = replication.progress;
  output.news(`interrupted: acknowledged ${counted(acknowledged, 'line')}`);
  output.report({
    command: 'input',
    ok: false,
    done: true,
    acknowledged,
    error: { code: 'INTERRUPTED', message: `Interrupted; ${counted(acknowledged, 'line')} acknowledged.` },
  });
  return false;
}

/** All nodes once they agree. @throws {TimeoutError} when they do not in the time that `wait converged` gives. */
async function settledNodes({ context }: Session, asker: AbortSignal) {
  await parseLine('wait converged', context.cluster.ids)?.run(context, asker);
  const nodes = await takePicture(context);
  if (!hasConverged(nodes)) throw new TimeoutError('all living nodes to agree', 1_000);
  return nodes;
}

function showProgress(
  replication: InputReplication,
  bytesTotal: number | null,
  startedAt: number,
  output: PlainOutput,
): { end(): void } {
  const terminal = process.stderr;
  const paint = paintFor({ isTTY: terminal.isTTY, environment: process.env });
  const isDrawn = terminal.isTTY && process.env.TERM !== 'dumb';
  const line = (columns: number) => {
    const { lines, acknowledged, bytes } = replication.progress;
    const share = bytesTotal
      ? Math.min(1, (bytes / bytesTotal) * (lines === 0 ? 0 : acknowledged / lines))
      : null;
    return progressLine(
      { lines, acknowledged, share, elapsedMs: performance.now() - startedAt },
      columns,
      paint,
    );
  };
  let reported = -1;
  let toldAt = startedAt;
  const show = () => {
    const { acknowledged } = replication.progress;
    if (acknowledged !== reported && !output.isBehind) {
      output.report({ command: 'input', ok: true, done: false, acknowledged });
      reported = acknowledged;
    }
    if (isDrawn) terminal.write(`\r\u001b[K${line((terminal.columns ?? 80) - 1)}`);
    else if (performance.now() - toldAt >= tellEveryMs) {
      toldAt = performance.now();
      output.news(line(100));
    }
  };
  const timer = setInterval(show, showEveryMs);
  return {
    end() {
      clearInterval(timer);
      show();
      if (isDrawn) terminal.write('\r\u001b[K');
    },
  };
}
