import { html } from './elements.js';

export interface MenuItem {
  readonly label: string;
  readonly act: () => void;
  /** A line above it. */
  readonly begins?: true;
}

/** A menu at a point of the page: arrow keys, Enter, Escape, and the focus goes back where it was. */
export class ActionMenu {
  readonly #element: HTMLElement;
  #title = '';
  #items: readonly MenuItem[] = [];
  /** Its items are being replaced: that the focus leaves them is no reason to close. */
  #isFilling = false;
  #returnTo: { focus(): void } | null = null;

  constructor(element: HTMLElement) {
    this.#element = element;
    element.addEventListener('keydown', (event) => this.#key(event));
    element.addEventListener('focusout', ({ relatedTarget }) => {
      if (!this.#isFilling && !element.contains(relatedTarget as Node | null)) element.hidden = true;
    });
    addEventListener('pointerdown', ({ target }) => {
      if (!element.contains(target as Node)) element.hidden = true;
    });
  }

  open(title: string, items: readonly MenuItem[], at: DOMRect, returnTo: { focus(): void }): void {
    this.#returnTo = returnTo;
    this.#title = title;
    this.#element.setAttribute('aria-label', title);
    this.#fill(items);
    this.#element.hidden = false;
    const { width, height } = this.#element.getBoundingClientRect();
    const left = Math.max(
      4,
      Math.min(at.left + at.width * 0.75, document.documentElement.clientWidth - width - 4),
    );
    const top = Math.max(4, Math.min(at.top, innerHeight - height - 4));
    this.#element.style.left = `${left}px`;
    this.#element.style.top = `${top}px`;
    this.#buttons()[0]?.focus();
  }

  /** Things changed while it is open: offers what can be done now. The focus stays on its item, or on its place. */
  refresh(items: readonly MenuItem[]): void {
    if (this.#element.hidden) return;
    const isSame =
      items.map(({ label }) => label).join('\n') === this.#items.map(({ label }) => label).join('\n');
    this.#items = items;
    if (isSame) return;
    const buttons = this.#buttons();
    const at = buttons.indexOf(document.activeElement as HTMLElement);
    const text = buttons[at]?.textContent;
    this.#isFilling = true;
    this.#fill(items);
    this.#isFilling = false;
    if (at < 0) return;
    const same = items.findIndex(({ label }) => label === text);
    this.#buttons()[same >= 0 ? same : Math.min(at, items.length - 1)]?.focus();
  }

  close(): void {
    if (this.#element.hidden) return;
    this.#element.hidden = true;
    this.#returnTo?.focus();
  }

  #fill(items: readonly MenuItem[]): void {
    this.#items = items;
    this.#element.replaceChildren(
      html('p', { class: 'menu-title', role: 'presentation' }, this.#title),
      ...items.map((item, at) => this.#button(item, at)),
    );
  }

  #button({ label, begins }: MenuItem, at: number): HTMLElement {
    const button = html(
      'button',
      { type: 'button', role: 'menuitem', tabindex: -1, class: begins ? 'begins' : null },
      label,
    );
    button.addEventListener('click', () => {
      this.close();
      this.#items[at]?.act();
    });
    return button;
  }

  #buttons(): HTMLElement[] {
    return [...this.#element.querySelectorAll<HTMLElement>('button')];
  }

  #key(event: KeyboardEvent): void {
    const buttons = this.#buttons();
    const at = buttons.indexOf(document.activeElement as HTMLElement);
    const moves: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at - 1,
      Home: 0,
      End: buttons.length - 1,
    };
    const to = moves[event.key];
    if (to !== undefined) buttons[(to + buttons.length) % buttons.length]?.focus();
    else if (event.key === 'Escape' || event.key === 'Tab') this.close();
    else return;
    event.preventDefault();
  }
}
