const kThemes = ['system', 'light', 'dark'];
const kSigns: Record<string, string> = {system: '◐', light: '☀', dark: '☾'};

// Storage may be forbidden.
function stored(): string {
  try { return localStorage.getItem('theme') ?? 'system'; } catch { return 'system'; }
}
function store(name: string): void {
  try { localStorage.setItem('theme', name); } catch { /* It holds for this page. */ }
}

// A button that goes through system, light and dark; calls when colours have changed.
export function theme(into: HTMLElement, changed: () => void): void {
  let chosen = kThemes.find((one) => one === stored()) ?? 'system';
  const draw = () => {
    if (chosen === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
    into.textContent = kSigns[chosen] ?? '';
    into.setAttribute('aria-label', `Theme: ${chosen}`);
    into.title = `Theme: ${chosen}`;
  };
  into.addEventListener('click', () => {
    chosen = kThemes[(kThemes.indexOf(chosen) + 1) % kThemes.length] ?? 'system';
    store(chosen);
    draw();
    changed();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    if (chosen === 'system') changed();
  });
  draw();
}
