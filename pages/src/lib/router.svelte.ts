// The present route, kept in step with the address.
import { parse, type Route } from './route';

const state = $state<{ route: Route }>({ route: parse(location.hash) });
addEventListener('hashchange', () => {
  state.route = parse(location.hash);
});

export function route(): Route {
  return state.route;
}

export function go(to: string): void {
  location.hash = to;
}
