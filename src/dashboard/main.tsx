import { render } from 'preact';
import { App } from './app.js';
import { applyStoredTheme } from './parts/theme.js';

applyStoredTheme();
const place = document.getElementById('dashboard');
if (place !== null) render(<App />, place);
