import { type Recording, type RecordingHeader, recordingFormat, recordingVersion } from './format.js';
import { isHeader, isStep, recordedNodesMax } from './step-check.js';
import { fromVersion1, isOldFrame } from './version-1.js';

export function writeRecording({ header, steps }: Recording): string {
  return `${[header, ...steps].map((line) => JSON.stringify(line)).join('\n')}\n`;
}

/** Reads a recording of this version or an older one. @throws Error that says, for people, which line is wrong. */
export function readRecording(text: string): Recording {
  const [first = '', ...rest] = text.split('\n').filter((line) => line.trim() !== '');
  const header = (parsed(first) ?? {}) as Partial<Omit<RecordingHeader, 'version'>> & { version?: unknown };
  if (header.format !== recordingFormat) throw new Error('This file is no recording of Conclave.');
  const { version } = header;
  if (version !== 1 && version !== recordingVersion) {
    throw new Error(
      `The recording has version ${version}; this page reads versions 1 to ${recordingVersion}.`,
    );
  }
  if (!isHeader(header)) {
    throw new Error(`The recording's header does not name its nodes, 1 to ${recordedNodesMax} of them.`);
  }
  if (rest.length === 0) throw new Error('The recording is empty: nothing follows its header.');
  if (version === 1) return fromVersion1(header, linesOf(rest, isOldFrame, 'frame'));
  const steps = linesOf(rest, isStep, 'step');
  const late = steps.findIndex(({ at }, nth) => at < (steps[nth - 1]?.at ?? 0));
  if (late >= 0) throw new Error(`Line ${late + 2} of the recording is before the line above it.`);
  return { header, steps };
}

function parsed(line: string): object | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

function linesOf<Line>(
  lines: readonly string[],
  isLine: (value: object) => value is Line & object,
  what: string,
): Line[] {
  return lines.map((line, at) => {
    const number = at + 2;
    const value = parsed(line);
    if (value === null) {
      throw new Error(
        `Line ${number} of the recording is no JSON object. If it is the last, the file was cut off: save it anew.`,
      );
    }
    if (isLine(value)) return value;
    throw new Error(`Line ${number} of the recording is no ${what}.`);
  });
}
