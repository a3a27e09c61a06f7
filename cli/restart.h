/*
 * restart: the commands that start a running stack again: `restart` stops and
 * starts all of it, `reload` replaces the workers of its services.
 */
#ifndef CLI_RESTART_H
#define CLI_RESTART_H

int restart_command(int argc, char **argv);
int reload_command(int argc, char **argv);

#endif
