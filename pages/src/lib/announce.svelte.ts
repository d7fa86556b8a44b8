// What is read out to people who don't see the page change, and shown for a moment to those who do.
export interface Notice {
  readonly id: number;
  readonly text: string;
  readonly good: boolean;
}

const state = $state<{ notices: Notice[] }>({ notices: [] });
let last = 0;

export function notices(): readonly Notice[] {
  return state.notices;
}

export function announce(text: string, good = true): void {
  last += 1;
  const id = last;
  state.notices = [...state.notices.slice(-2), { id, text, good }];
  setTimeout(() => dismiss(id), 8000);
}

export function dismiss(id: number): void {
  state.notices = state.notices.filter((one) => one.id !== id);
}
