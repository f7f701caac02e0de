import {Problem} from './api';
import {el} from './dom';

const kKey = 'api-token';

// Of this tab, until it is closed; a browser may forbid even that.
let held = '';
try { held = sessionStorage.getItem(kKey) ?? ''; } catch { /* Then it is asked for again. */ }

export const token = () => held;

export function keepToken(value: string): void {
  held = value;
  try {
    if (value) sessionStorage.setItem(kKey, value);
    else sessionStorage.removeItem(kKey);
  } catch { /* It is held until the page is loaded again. */ }
}

function askToken(was_wrong: boolean): Promise<string | null> {
  const input = el('input', {type: 'password', id: 'token', autocomplete: 'off', required: '',
    'aria-describedby': 'token-why'}) as HTMLInputElement;
  const cancel = el('button', {type: 'button'}, 'Cancel');
  const form = el('form', {class: 'field'}, el('label', {for: 'token'}, 'Token'), input,
    el('div', {class: 'tools'}, el('button', {class: 'main'}, 'Continue'), cancel));
  const dialog = el('dialog', {'aria-labelledby': 'token-title'},
    el('h2', {id: 'token-title'}, was_wrong ? 'Wrong token' : 'Token required'),
    el('p', {class: 'note', id: 'token-why'}, 'Changes require the token that the '
      + 'program was started with: --api-token or IA_API_TOKEN. This tab remembers it until '
      + 'closed.'),
    form) as HTMLDialogElement;
  document.body.append(dialog);
  return new Promise((resolve) => {
    let given: string | null = null;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      given = input.value.trim();
      dialog.close();
    });
    cancel.addEventListener('click', () => dialog.close());
    dialog.addEventListener('close', () => { dialog.remove(); resolve(given); });
    dialog.showModal();
  });
}

// Does what changes something; asks for the token when the API wants one, until it is right or
// the person gives up.
export async function permitted<T>(act: (token: string) => Promise<T>): Promise<T> {
  for (;;) {
    const tried = held;
    try {
      return await act(tried);
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 401) throw error;
      const given = await askToken(tried !== '');
      if (given === null) {
        keepToken('');
        throw error;
      }
      keepToken(given);
    }
  }
}
