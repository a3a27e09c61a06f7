/*
 * secrets: the command `kedge secrets`, which lists the secrets of a stack or
 * of this host and replaces them while the services run.
 *
 * A running process has read its secrets at its start. So a rotation makes two
 * secrets valid at once, then makes all processes use the new one, and ends
 * the old one last; no request fails meanwhile. An interrupted rotation leaves
 * a state file beside the secrets, from which the next one continues.
 */
#ifndef CLI_SECRETS_H
#define CLI_SECRETS_H

int secrets_command(int argc, char **argv);

#endif
