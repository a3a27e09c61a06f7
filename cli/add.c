#include "add.h"

#include <getopt.h>
#include <stdbool.h>

#include "base/arena.h"
#include "base/str.h"

#include "add_service.h"
#include "message.h"
#include "options.h"
#include "scaffold.h"
#include "stack.h"

/*
 * Reads the options of "add service"; argv[0] is the word "service". False: an
 * error was printed.
 */
static bool
read_service(int argc, char **argv, struct add_service *ret)
{
	static const struct option flags[] = {
		{ "guard", required_argument, NULL, 'g' },
		{ "roles", required_argument, NULL, 'r' },
		{ "prefix", required_argument, NULL, 'p' },
		{ "worker", no_argument, NULL, 'w' },
		{ 0 },
	};
	int flag;

	*ret = (struct add_service){ .guard = "standard", .language = "c" };
	opterr = 0; /* getopt() prints no errors; print_error() does */
	optind = 1;
	while ((flag = getopt_long(argc, argv, "", flags, NULL)) != -1) {
		switch (flag) {
		case 'g':
			ret->guard = optarg;
			break;
		case 'r':
			ret->roles = optarg;
			break;
		case 'p':
			ret->prefix = optarg;
			break;
		case 'w':
			ret->worker = true;
			break;
		default:
			print_error(
			    "add service: unknown option %s, or its "
			    "value is missing; see \"kedge add --help\"",
			    argv[optind - 1]);
			return false;
		}
	}
	if (argc - optind != 1) {
		print_error("add service: %s; see \"kedge add --help\"",
		    argc - optind == 0 ? "the name is missing"
				       : "more than one name");
		return false;
	}
	ret->name = argv[optind];
	return true;
}

static void
print_files(const struct scaffold *s)
{
	static const char *const words[] = {
		[SCAFFOLD_NEW] = "made",
		[SCAFFOLD_EDIT] = "changed",
		[SCAFFOLD_DELETE] = "removed",
	};
	int i;

	for (i = 0; i < s->nfiles; i++)
		print_message(
		    "%-8s %s", words[s->files[i].kind], s->files[i].path);
}

static int
add_service_command(struct arena *a, int argc, char **argv)
{
	struct scaffold *s = arena_alloc(a, sizeof(*s));
	struct add_service order;
	struct stack stack;

	if (!read_service(argc, argv, &order))
		return OPTIONS_USAGE;
	if (!stack_open(&stack, a, /* dir_option= */ NULL) ||
	    !scaffold_open(s, a, stack.root) ||
	    !add_service(s, &stack, &order) || !scaffold_commit(s))
		return 1;
	print_files(s);
	print_message("\nNext: make && make manual\n"
		      "Then: kedge add entity %s NAME FIELD:TYPE...",
	    order.name);
	return 0;
}

int
add_command(int argc, char **argv)
{
	struct arena *a;
	int status = OPTIONS_USAGE;

	a = arena_new();
	if (argc > 1 && str_eq(argv[1], "service"))
		status = add_service_command(a, argc - 1, argv + 1);
	else
		print_error("add: name what to add, a service; see \"kedge add "
			    "--help\"");
	arena_free(a);
	return status;
}
