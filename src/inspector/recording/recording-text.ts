import {
  type Frame,
  type Recording,
  type RecordingHeader,
  recordingFormat,
  recordingVersion,
} from './format.js';
import { isFrame, isHeader, recordedNodesMax } from './frame-check.js';

export function writeRecording({ header, frames }: Recording): string {
  return `${[header, ...frames].map((line) => JSON.stringify(line)).join('\n')}\n`;
}

/** @throws Error that says, for people, which line is not what a recording holds. */
export function readRecording(text: string): Recording {
  const [first = '', ...rest] = text.split('\n').filter((line) => line.trim() !== '');
  const header = (parsed(first) ?? {}) as Partial<RecordingHeader>;
  if (header.format !== recordingFormat) throw new Error('This file is no recording of Conclave.');
  if (header.version !== recordingVersion) {
    throw new Error(
      `The recording has version ${header.version}; this page reads version ${recordingVersion}.`,
    );
  }
  if (!isHeader(header)) {
    throw new Error(`The recording's header does not name its nodes, 1 to ${recordedNodesMax} of them.`);
  }
  const frames = rest.map((line, at) => frameIn(line, at + 2));
  if (frames.length === 0) throw new Error('The recording is empty: nothing follows its header.');
  return { header, frames: frames.sort((a, b) => a.at - b.at) };
}

function parsed(line: string): object | null {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' ? value : null;
  } catch {
    return null;
  }
}

function frameIn(line: string, number: number): Frame {
  const value = parsed(line);
  if (value === null) {
    throw new Error(
      `Line ${number} of the recording is no JSON object. If it is the last, the file was cut off: save it anew.`,
    );
  }
  if (isFrame(value)) return value;
  throw new Error(`Line ${number} of the recording is no frame.`);
}
