import { NodeFileSystem } from '../../src/storage/node-file-system.js';
import { WriteAheadLog } from '../../src/storage/write-ahead-log.js';
import { storageConformance } from './conformance.js';
import { snapshotConformance } from './snapshot-conformance.js';
import { removeDirectory, temporaryDirectory } from './temporary-directory.js';

for (const segmentBytes of [4096, 64 * 1024]) {
  for (const conformance of [storageConformance, snapshotConformance])
    conformance(`WriteAheadLog on the real file system, in segments of ${segmentBytes} bytes,`, () => {
      const directory = temporaryDirectory();
      const fileSystem = new NodeFileSystem();
      return {
        open: () => new WriteAheadLog({ fileSystem, directory, clusterId: 'test', nodeId: 1, segmentBytes }),
        dispose: () => removeDirectory(directory),
      };
    });
}
