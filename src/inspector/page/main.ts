import type { NodeId } from '../../raft/entry.js';
import type { Frame, NodeFrame } from '../recording/format.js';
import { ActionMenu } from './action-menu.js';
import { ChartView } from './chart-view.js';
import { ClusterView } from './cluster-view.js';
import { Connection, type ConnectionState } from './connection.js';
import { byId, html, setText } from './elements.js';
import { LogView } from './log-view.js';
import { type Look, Player } from './player.js';
import { PromptView } from './prompt-view.js';
import { watchFiles } from './recording-file.js';
import { TimeView } from './time-view.js';

/* Brings the parts of the page together: the connection feeds the player, the player draws the views. */

let selected: NodeId | null = null;
let proposed = 0;
let isLost = false;

const prompt = new PromptView();
const player = new Player(draw, (frames: readonly Frame[]) =>
  cluster.fly(frames.filter((frame): frame is NodeFrame => frame.kind === 'node')),
);
const chart = new ChartView(
  () => {
    const { subject } = chart;
    if ('node' in subject) selected = subject.node;
    player.redraw();
  },
  (at) => player.show(at),
);
const cluster = new ClusterView({
  menu: new ActionMenu(byId('menu')),
  run,
  select,
});
const log = new LogView();
const time = new TimeView(player, select);

new Connection({
  header: (header) => {
    if (player.begin(header))
      noticeRecording('Another run began. This is what was recorded of the last one.');
  },
  frames: (frames) => player.add(frames),
  stateChanged: showConnection,
});

byId('heal').addEventListener('click', () => run('heal'));
byId('propose').addEventListener('click', () => {
  proposed++;
  run(`put click ${proposed}`);
});
watchFiles({
  recording: () => player.look()?.timeline.recording ?? null,
  opened: (recording, name) => {
    player.openFile(recording);
    noticeRecording(`Recording ${name}.`);
  },
  failed: (text) => {
    // A recording that is on show stays there, and so does the way back from it.
    if (player.look()?.isFile) noticeRecording(text);
    else notice(text, buttonTo('Dismiss', notice));
  },
});

// Whatever scrolls must be reached by keyboard, too.
for (const id of ['chart', 'answers']) byId(id).tabIndex = 0;
byId('cluster').tabIndex = -1;

/** What is clicked happens now, so now is what is shown of it. */
function run(...lines: string[]): void {
  player.show(null);
  void prompt.run(...lines);
}

/** The node whose chart is on show. */
function select(id: NodeId): void {
  selected = id;
  chart.select({ chart: 'node', node: id });
  player.redraw();
}

function draw(look: Look): void {
  const { standing, isFile } = look;
  if (selected === null) {
    const first = standing.world?.leader?.id ?? look.timeline.header.nodes[0]?.id ?? 0;
    if (standing.nodes.size > 0) selected = first;
    chart.select({ chart: 'node', node: first });
  }
  cluster.draw(look, selected ?? 0);
  chart.draw(look);
  log.draw(look);
  time.draw(look);
  setText(byId('summary'), summary(look));
  document.body.classList.toggle('disconnected', isLost && !isFile);
  for (const id of ['heal', 'propose']) byId<HTMLButtonElement>(id).disabled = isFile;
  prompt.isEnabled = !isFile;
}

function summary({ standing, timeline }: Look): string {
  const { world } = standing;
  const groups = world?.groups ?? [];
  const cut =
    groups.length > 1 ? ` Cut into ${groups.map((group) => `{${group.join(' ')}}`).join(' ')}.` : '';
  const running = world?.lives.filter(({ life }) => life === 'running').length ?? 0;
  const nodes = `${running} of ${timeline.header.nodes.length} nodes run`;
  if (world === null || world.leader === null) return `No leader. ${nodes}.${cut}`;
  return `Node ${world.leader.id} leads term ${world.leader.term}. ${nodes}.${cut}`;
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
