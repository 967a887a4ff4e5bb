import type { Application, CreateApplication } from '../src/application/application.js';

const empty = new Uint8Array(0);

/** The smallest state machine: it counts commands, as those of the peers we measure against do. */
export const createApplication: CreateApplication = (): Application => {
  let applied = 0;
  return {
    apply() {
      applied++;
      return empty;
    },
    query: () => empty,
    snapshot: () => [Buffer.from(String(applied))],
    restore() {
      let text = '';
      return {
        write(chunk) {
          text += Buffer.from(chunk).toString();
        },
        end() {
          applied = Number(text);
        },
      };
    },
    digest: () => String(applied),
  };
};
