type Work = () => void;

let requests: Work[] = [];
let writes: Work[] = [];
let rest: Work[] = [];
let scheduled = false;

/** Does this when the event loop has looked after all its sockets: what was wanted in this turn is known then. */
export function atEndOfTurn(work: Work): void {
  requests.push(work);
  schedule();
}

/** As {@link atEndOfTurn}, after everything that was asked for in that way: what it wrote goes out with it. */
export function afterEndOfTurn(work: Work): void {
  writes.push(work);
  schedule();
}

/** As {@link afterEndOfTurn}, after all of that: what others wait for is on its way by then. */
export function afterWrites(work: Work): void {
  rest.push(work);
  schedule();
}

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  setImmediate(endTurn);
}

function endTurn(): void {
  scheduled = false;
  const first = requests;
  requests = [];
  for (const work of first) work();
  const second = writes;
  writes = [];
  for (const work of second) work();
  const third = rest;
  rest = [];
  for (const work of third) work();
}
