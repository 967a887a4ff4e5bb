import type { NodeId } from '../../../raft/entry.js';
import { type NodeSeen, roleOf, timerShare } from '../../recording/node-seen.js';
import { setAttributes, setText, svg } from '../base/elements.js';
import { nodeRadius, type Place } from './cluster-layout.js';

const timerRadius = nodeRadius + 5;
const timerLength = 2 * Math.PI * timerRadius;

/** A node of the ring. */
export class NodeSymbol {
  readonly element: SVGGElement;
  readonly #id: NodeId;
  readonly #title = svg('title');
  readonly #body = svg('circle', { class: 'body', r: nodeRadius });
  readonly #ring = svg('circle', { class: 'ring', r: nodeRadius + 11 });
  /** From the top clockwise, as much as is over of the election timeout. */
  readonly #timer = svg('circle', {
    class: 'timer',
    r: timerRadius,
    transform: 'rotate(-90)',
    'stroke-dasharray': `0 ${timerLength}`,
  });
  readonly #name = svg('text', { class: 'name', y: -17 });
  readonly #role = svg('text', { class: 'role', y: 1 });
  readonly #term = svg('text', { class: 'detail', y: 16 });
  readonly #height = svg('text', { class: 'detail', y: 28 });
  readonly #vote = svg('text', { class: 'vote', y: nodeRadius + 22 });

  constructor(id: NodeId) {
    this.#id = id;
    this.element = svg(
      'g',
      { class: 'node', role: 'button', tabindex: -1, 'aria-haspopup': 'menu', 'data-node': id },
      this.#title,
      this.#ring,
      this.#body,
      this.#timer,
      svg('path', { class: 'crown', d: `M-15 ${-nodeRadius - 8}l-4-17 10 7 9-11 9 11 10-7-4 17Z` }),
      svg('path', { class: 'cross', d: 'M-26-26 26 26M-26 26 26-26' }),
      this.#name,
      this.#role,
      this.#term,
      this.#height,
      this.#vote,
    );
    setText(this.#name, `${id}`);
  }

  /** @param isInStep the step on show is this node's. */
  draw(node: NodeSeen, place: Place | undefined, isSelected: boolean, isInStep: boolean): void {
    const { life, state, isVoter, levels } = node;
    const role = roleOf(node);
    const isGone = life === 'crashed' || life === 'unreachable';
    const roleText = life === 'running' ? role : life;
    setText(this.#role, roleText);
    setText(this.#term, `term ${state?.term ?? '?'}`);
    setText(this.#height, `height ${state === null ? '?' : levels.height}`);
    const vote = voteText(node);
    setText(this.#vote, life === 'running' && isVoter ? vote : '');
    const known = (number: number) => (state === null ? 'unknown' : `${number}`);
    const label = [
      `Node ${this.#id}: ${roleText}`,
      `${isGone ? 'at last ' : ''}term ${known(state?.term ?? 0)}`,
      `height ${known(levels.height)}, committed ${known(levels.commit)}`,
      ...(isVoter ? [vote] : ['does not vote']),
    ].join(', ');
    setText(this.#title, label);
    const isDragged = this.element.classList.contains('dragged');
    const also = {
      selected: isSelected,
      crashed: isGone,
      dragged: isDragged,
      stepping: isInStep,
    };
    const words = Object.entries(also).flatMap(([word, is]) => (is ? [word] : []));
    setAttributes(this.element, {
      class: ['node', role, ...words].join(' '),
      'aria-label': label,
      'data-role': role,
      'data-term': state?.term ?? null,
    });
    if (place !== undefined && !isDragged) {
      this.element.style.transform = `translate(${place.x}px, ${place.y}px)`;
    }
  }

  /** The election timer at a moment. */
  drawTimer(node: NodeSeen, at: number): void {
    const share = timerShare(node, at);
    setAttributes(this.#timer, {
      'stroke-dasharray': `${((share ?? 0) * timerLength).toFixed(1)} ${timerLength.toFixed(1)}`,
      class: `timer${share === null || share === 0 ? ' off' : share > 0.75 ? ' late' : ''}`,
    });
  }
}

/** What there is to know of the node's vote in its term. */
function voteText({ id, state }: NodeSeen): string {
  // Who tells of active states is the node itself; of others only the supervisor has told, and not of votes.
  if (state === null || state.active.length === 0) return 'vote unknown';
  const { votedFor } = state;
  if (votedFor === null) return 'no vote';
  return votedFor === id ? 'voted for itself' : `voted for ${votedFor}`;
}
