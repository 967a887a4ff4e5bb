import type { NodeId } from '../../raft/entry.js';
import { ActionMenu } from './base/action-menu.js';
import { byId, html, setText } from './base/elements.js';
import { ChartView } from './chart/chart-view.js';
import { learnWords } from './chart/machine-words.js';
import { ClusterView } from './cluster/cluster-view.js';
import { ElectionView } from './elections/election-view.js';
import { HappeningsView } from './elections/happenings-view.js';
import { LogView } from './log/log-view.js';
import { Connection, type ConnectionState } from './player/connection.js';
import { type Look, Player } from './player/player.js';
import { watchFiles } from './player/recording-file.js';
import { summaryOf } from './player/summary.js';
import { TransportView } from './player/transport-view.js';
import { PromptView } from './prompt/prompt-view.js';
import { CurvesView } from './time/curves-view.js';

/* Brings the parts of the page together: the connection feeds the player, the player draws the views. */

let proposed = 0;
let isLost = false;

const prompt = new PromptView();
const player = new Player({
  draw,
  move: (look) => {
    cluster.move(look);
    transport.move(look);
  },
});
const transport = new TransportView(player);
const chart = new ChartView(
  () => player.redraw(),
  (nr) => player.showStep(nr),
);
const cluster = new ClusterView({
  menu: new ActionMenu(byId('menu')),
  run,
  select,
});
const log = new LogView();
const curves = new CurvesView(player);
const election = new ElectionView((nr) => {
  // Who was clicked to end it is not who is to be seen now.
  chart.select(null);
  player.showStep(nr);
});
const happenings = new HappeningsView((nr) => player.showStep(nr));

new Connection({
  header: (header) => {
    if (player.begin(header))
      noticeRecording('Another run began. This is what was recorded of the last one.');
  },
  steps: (steps) => player.add(steps),
  stateChanged: showConnection,
});

byId('heal').addEventListener('click', () => run('heal'));
byId('propose').addEventListener('click', () => {
  proposed++;
  run(`put click ${proposed}`);
});
watchFiles({
  recording: () => player.shown?.recording ?? null,
  opened: (recording, name) => {
    player.openFile(recording);
    const bundled = recording.header.isBundled
      ? ' Nodes told in bundles then: what came first within a tenth of a second is a guess.'
      : '';
    noticeRecording(`Recording ${name}.${bundled}`);
  },
  failed: (text) => {
    // A recording that is on show stays there, and so does the way back from it.
    if (player.look()?.isFile) noticeRecording(text);
    else notice(text, buttonTo('Dismiss', notice));
  },
});

learnWords().then(
  () => player.redraw(),
  // Then the names of what happened stand for it.
  () => {},
);

// Whatever scrolls must be reached by keyboard, too.
for (const id of ['chart', 'answers', 'election-votes']) byId(id).tabIndex = 0;
byId('cluster').tabIndex = -1;

/** What is clicked happens now, so now is what is shown of it. */
function run(...lines: string[]): void {
  player.act();
  void prompt.run(...lines);
}

/** The node whose chart is on show. */
function select(id: NodeId): void {
  chart.select({ chart: 'node', node: id });
  player.redraw();
}

function draw(look: Look): void {
  const { isFile } = look;
  chart.draw(look);
  cluster.draw(look, chart.node);
  transport.draw(look);
  election.draw(look);
  happenings.draw(look);
  log.draw(look);
  curves.draw(look);
  setText(byId('summary'), summaryOf(look, isLost));
  document.body.classList.toggle('disconnected', isLost && !isFile);
  for (const id of ['heal', 'propose']) byId<HTMLButtonElement>(id).disabled = isFile;
  prompt.isEnabled = !isFile;
}

function showConnection(state: ConnectionState, reason: string): void {
  const place = byId('connection');
  place.dataset.state = state;
  setText(
    byId('connection-text'),
    { connecting: 'connecting', open: 'connected', lost: 'connection lost' }[state],
  );
  isLost = state === 'lost';
  player.redraw();
  if (player.look()?.isFile) return;
  if (isLost) notice(`${reason} Trying again…`);
  else notice();
}

/** Says something above all else, with a button where there is something to do; without arguments takes it back. */
function notice(text = '', button: HTMLElement | null = null): void {
  const place = byId('notice');
  place.hidden = text === '';
  // A screen reader hears anew whatever is put there, be it the same.
  if (button === null && place.textContent === text) return;
  place.replaceChildren(text, ...(button === null ? [] : [' ', button]));
}

/** Says that a recording is on show, and offers the way back. */
function noticeRecording(text: string): void {
  notice(
    text,
    buttonTo('Back to the live cluster', () => {
      player.closeFile();
      notice();
    }),
  );
}

function buttonTo(label: string, act: () => void): HTMLElement {
  const button = html('button', { type: 'button' }, label);
  button.addEventListener('click', () => {
    act();
    // It is gone, and the focus with it.
    byId('open').focus();
  });
  return button;
}
