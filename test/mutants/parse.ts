import { text } from 'node:stream/consumers';
import { SourceTextModule } from 'node:vm';

/*
 * Reads a JSON list of modules' texts and prints one of what is wrong with each, null where it parses. A process of
 * its own because Node wants `--experimental-vm-modules` for it; `node --check` would be a process a file.
 */
const sources: readonly string[] = JSON.parse(await text(process.stdin));
const errors = sources.map((source) => {
  try {
    new SourceTextModule(source);
    return null;
  } catch (error) {
    return String(error);
  }
});
console.log(JSON.stringify(errors));
