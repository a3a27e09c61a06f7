import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
	plugins: [react()],
	// To a browser, localhost is another site than 127.0.0.1, where Kedge is.
	server: { host: '127.0.0.1', port: 5173, strictPort: true },
});
