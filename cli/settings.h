/*
 * settings: the variables that a person sets for a stack, in one file that all
 * commands read: kedge.env in the stack's directory, or the file that `kedge
 * up --env FILE` named last.
 *
 * env_file.h describes the format. NAME begins with a service's name in
 * capitals, or with KEDGE. A variable in the environment of a command
 * takes precedence over the file.
 */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/attr.h"

#include "spec.h"

struct arena;

#define SETTINGS_FILE "kedge.env"

/*
 * Stores the path of the file, which commands read from now on. The current
 * directory is the stack's; `path` is absolute. False: an error was printed.
 */
MUST_CHECK bool settings_use(struct arena *a, const char *path);
/*
 * Reads the file into the environment of this process. It is no error if there
 * is none. False: a line is wrong; an error was printed.
 */
MUST_CHECK bool settings_load(struct arena *a, const struct spec *spec);
/*
 * Like settings_load(), and then takes the services' variables with which the
 * running stack's supervisor was started, for those that are set neither in the
 * environment of this process nor in the file: what "kedge restart" will use.
 * Calls `changed`, if it is not NULL, for each variable that the file sets to
 * another value than that start's environment.
 */
MUST_CHECK bool settings_load_running(struct arena *a, const struct spec *spec,
    pid_t supervisor, void (*changed)(const char *name));
/* The path of the file that settings_load() has read or would read. */
const char *settings_path(void);
/* The same, absolute. `dir` is the stack's directory. */
const char *settings_full_path(struct arena *a, const char *dir);
/* Whether settings_load() took the variable's value from the file. */
bool settings_has(const char *name);
/* The names of these variables, by number from 0; NULL: there are no more. */
const char *settings_name(int i);
/*
 * Writes NAME=value into the file: in place of the line with that name, or at
 * its end. If `value` is NULL, removes the line. Other lines stay as they are.
 */
MUST_CHECK bool settings_change(struct arena *a, const struct spec *spec,
    const char *name, const char *value);

#endif
