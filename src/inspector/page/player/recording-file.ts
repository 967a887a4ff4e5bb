import type { Recording } from '../../recording/format.js';
import { readRecording, writeRecording } from '../../recording/recording-text.js';
import { byId, html } from '../base/elements.js';

/** The largest recording that is opened, in bytes. */
const fileBytesMax = 512 * 1024 * 1024;

/** The buttons that save a recording to a file and open one. */
export function watchFiles(host: {
  recording(): Recording | null;
  opened(recording: Recording, name: string): void;
  failed(text: string): void;
}): void {
  const file = byId<HTMLInputElement>('file');
  byId('save').addEventListener('click', () => {
    const recording = host.recording();
    if (recording !== null) save(recording);
  });
  byId('open').addEventListener('click', () => file.click());
  file.addEventListener('change', async () => {
    const chosen = file.files?.[0];
    file.value = '';
    if (chosen === undefined) return;
    try {
      if (chosen.size > fileBytesMax) throw new Error('The file is too large to be a recording.');
      host.opened(readRecording(await chosen.text()), chosen.name);
    } catch (error) {
      host.failed(`${chosen.name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  });
}

function save(recording: Recording): void {
  const url = URL.createObjectURL(new Blob([writeRecording(recording)], { type: 'application/jsonl' }));
  const name = `conclave-${(recording.header.startedAt ?? recording.header.run).replace(/[^\w-]+/g, '-')}.jsonl`;
  const link = html('a', { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
