import type { Running } from '../side-by-side.js';
import { cut } from './text-width.js';
import type { Sight } from './transcript.js';
import type { ViewPlace } from './view.js';

/** A command that is answered so soon is not worth a word. */
const worthTellingMs = 200;
const turnEveryMs = 100;
const wheel = { unicode: ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'], ascii: ['|', '/', '-', '\\'] };

/** What is going on below the view, the most urgent of which is told in one row. */
export interface Standing {
  /** What is seen of the transcript if it is not its end. */
  readonly sight: Sight | null;
  readonly offer: readonly string[];
  readonly running: readonly Running[];
  readonly isSearching: boolean;
  /** What is wrong with the timings, or null. The row has room for what it says before its colon. */
  readonly warning: string | null;
  /** Now, on the clock by which commands began. */
  readonly nowMs: number;
}

type Place = Pick<ViewPlace, 'columns' | 'paint' | 'unicode'>;

export function statusRow(standing: Standing, place: Place): string {
  const { sight, offer, isSearching } = standing;
  const { paint } = place;
  const separator = place.unicode ? ' · ' : ' | ';
  const show = (texts: readonly string[], tint: (text: string) => string = paint.dim) =>
    tint(
      cut(
        ` ${texts.filter((text) => text !== '').join(separator)}`,
        place.columns,
        place.unicode ? '…' : '~',
      ),
    );
  const running = waiting(standing, place);
  if (sight !== null) {
    const last = sight.above + sight.rows.length;
    const lines = `lines ${sight.above + 1}-${last} of ${last + sight.below}`;
    return show([lines, 'PageUp back', 'Space on', 'Esc to the end', running], paint.cyan);
  }
  if (isSearching) return show(['Ctrl-R: one before', 'Enter: run it', 'arrows: edit it', 'Esc: as it was']);
  if (offer.length > 0) return show([offer.map((word) => word.trim()).join('  ')]);
  if (running !== '') return show([running], paint.yellow);
  if (standing.warning !== null) return show([standing.warning.split(':', 1)[0] as string], paint.red);
  return show(['help', 'Tab completes', 'PageUp scrolls back', 'Ctrl-R searches', 'quit closes']);
}

/** What is waited for, the oldest first; empty if nothing is worth a word. */
function waiting({ running, nowMs }: Standing, { unicode }: Place): string {
  const long = running.filter(({ sinceMs }) => nowMs - sinceMs >= worthTellingMs);
  if (long.length === 0) return '';
  const turns = unicode ? wheel.unicode : wheel.ascii;
  const turn = turns[Math.floor(nowMs / turnEveryMs) % turns.length];
  const told = long.map(({ line, sinceMs, waitsFor }) => {
    const seconds = Math.floor((nowMs - sinceMs) / 1000);
    return `${line}${waitsFor === null ? '' : ` waits for ${waitsFor}`}, ${seconds} s`;
  });
  return `${turn} ${told.join('; ')}`;
}
