import type { NextConfig } from 'next';

const config: NextConfig = {
	output: 'export', // files in out/, which Kedge serves; without it, a server in Node
	allowedDevOrigins: ['127.0.0.1'], // Kedge, in front of the development server
};

export default config;
