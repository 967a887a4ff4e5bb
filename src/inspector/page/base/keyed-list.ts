import { html } from './elements.js';

/** What stands in a list: known by its key, drawn once, and changed in place from then on. */
export interface KeyedItem {
  readonly key: string;
  readonly create: () => HTMLElement;
  readonly update: (element: HTMLElement) => void;
}

/**
 * A list whose items stay the same elements as long as they are in it, so that what a reader points at or has
 * focused does not vanish under them.
 */
export class KeyedList {
  readonly #list: HTMLElement;
  readonly #emptyText: string;
  #elements = new Map<string, HTMLElement>();
  #of: object | null = null;

  constructor(list: HTMLElement, emptyText: string) {
    this.#list = list;
    this.#emptyText = emptyText;
  }

  /** @param of is what the items are of. The same key names another item of another. */
  show(of: object, items: readonly KeyedItem[]): void {
    if (of !== this.#of) {
      this.#of = of;
      this.#elements.clear();
      this.#list.replaceChildren();
    }
    const elements = new Map<string, HTMLElement>();
    const wanted = items.length > 0 ? items : [emptyItem(this.#emptyText)];
    for (const { key, create, update } of wanted) {
      const element = this.#elements.get(key) ?? create();
      update(element);
      elements.set(key, element);
    }
    for (const [key, element] of this.#elements) if (!elements.has(key)) element.remove();
    let at = this.#list.firstElementChild;
    for (const element of elements.values()) {
      if (element === at) at = at.nextElementSibling;
      else this.#list.insertBefore(element, at);
    }
    this.#elements = elements;
  }
}

function emptyItem(text: string): KeyedItem {
  return { key: 'empty', create: () => html('li', { class: 'quiet' }, text), update: () => {} };
}
