/** An application's module that never comes to an end of being loaded. */
await new Promise(() => {
  // A timer, as a connection that is waited for would, keeps the thread busy waiting.
  setInterval(() => {}, 1000);
});

export function createApplication(): never {
  throw new Error('nobody gets here');
}
