import type { Role } from '../../node/information.js';
import type { NodeId } from '../../raft/entry.js';
import { nodeRadius, type Place } from './cluster-layout.js';
import { setAttributes, setText, svg } from './elements.js';
import type { NodeSight } from './node-sight.js';

const roleTexts: Readonly<Record<Role, string>> = {
  follower: 'follower',
  preCandidate: 'pre-candidate',
  candidate: 'candidate',
  leader: 'leader',
  learner: 'learner',
  dead: 'dead',
};

/** A node of the ring. */
export class NodeSymbol {
  readonly element: SVGGElement;
  readonly #id: NodeId;
  readonly #title = svg('title');
  readonly #body = svg('circle', { class: 'body', r: nodeRadius });
  readonly #ring = svg('circle', { class: 'ring', r: nodeRadius + 6 });
  readonly #name = svg('text', { class: 'name', y: -17 });
  readonly #role = svg('text', { class: 'role', y: 1 });
  readonly #term = svg('text', { class: 'detail', y: 16 });
  readonly #height = svg('text', { class: 'detail', y: 28 });
  readonly #vote = svg('text', { class: 'vote', y: nodeRadius + 20 });

  constructor(id: NodeId) {
    this.#id = id;
    this.element = svg(
      'g',
      { class: 'node', role: 'button', tabindex: -1, 'aria-haspopup': 'menu', 'data-node': id },
      this.#title,
      this.#ring,
      this.#body,
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

  draw(sight: NodeSight, place: Place | undefined, isSelected: boolean): void {
    const { role, life, votes } = sight;
    const [term, height, committed] = [sight.term, sight.height, sight.commitIndex].map(numberText);
    const roleText = life === 'running' ? roleTexts[role] : life;
    setText(this.#role, roleText);
    setText(this.#term, `term ${sight.term ?? '?'}`);
    setText(this.#height, `height ${sight.height ?? '?'}`);
    const vote = voteText(this.#id, sight.votedFor);
    setText(this.#vote, life === 'running' && votes ? vote : '');
    const label = [
      `Node ${this.#id}: ${roleText}`,
      `${life === 'crashed' ? 'at last ' : ''}term ${term}`,
      `height ${height}, committed ${committed}`,
      ...(votes ? [vote] : ['does not vote']),
    ].join(', ');
    setText(this.#title, label);
    const isDragged = this.element.classList.contains('dragged');
    const also = { selected: isSelected, crashed: life === 'crashed', dragged: isDragged };
    const words = Object.entries(also).flatMap(([word, is]) => (is ? [word] : []));
    setAttributes(this.element, {
      class: ['node', role, ...words].join(' '),
      'aria-label': label,
      'data-role': role,
      'data-term': sight.term,
    });
    if (place !== undefined && !isDragged) {
      this.element.style.transform = `translate(${place.x}px, ${place.y}px)`;
    }
  }
}

function numberText(known: number | null): string {
  return known === null ? 'unknown' : `${known}`;
}

function voteText(id: NodeId, votedFor: NodeSight['votedFor']): string {
  if (votedFor === 'unknown') return 'vote unknown';
  if (votedFor === null) return 'no vote';
  return votedFor === id ? 'voted for itself' : `voted for ${votedFor}`;
}
