# make lint: formatting, two static analysers and the invariants.
LINT_C = $(shell git ls-files 'fcgi/*.c' 'services/*.c' 'cli/*.c' 'bench/*.c')
FORMAT_C = $(shell git ls-files '*.c' '*.h')

lint: lint-format lint-cppcheck lint-tidy lint-invariants lint-man lint-metrics

# Other versions format code differently and have other warnings.
lint-versions:
	@for tool in 'clang-format 14' 'clang-tidy 14' 'cppcheck 2.10'; do \
		set -- $$tool; \
		have=$$($$1 --version | grep -o '[0-9][0-9.]*' | head -n 1); \
		case $$have. in \
		"$$2".*) ;; \
		*) echo "lint: the sources are checked with $$tool (Debian 12);" \
		    "this is $$have, which may report unchanged code" >&2 ;; \
		esac; done

lint-format: lint-versions
	clang-format --dry-run --Werror $(FORMAT_C)

lint-cppcheck: lint-versions
	cppcheck --quiet --error-exitcode=1 --enable=warning,portability,performance \
	    --inline-suppr --suppress=missingIncludeSystem --std=c11 \
	    --suppress=normalCheckLevelMaxBranches -j 2 \
	    -D_GNU_SOURCE -Ifcgi -Iservices fcgi services cli

lint-tidy: lint-versions
	printf '%s\n' $(LINT_C) | xargs -P 2 -n 6 sh -c \
	    'clang-tidy --quiet "$$@" -- $(CPPFLAGS) -std=c17 2>/dev/null' tidy

lint-invariants:
	prove -It/lib t/01-layers.t

lint-man:
	@for page in docs/*.8 docs/*.5; do \
		mandoc -T lint -W warning "$$page" || exit 1; done

lint-metrics:
	promtool check rules monitoring/alerts.yml
	promtool test rules monitoring/alerts.test.yml
	prove -It/lib t/03-metrics.t

# compile_commands.json for editors and clangd, from a full build in a separate directory.
compile_commands.json: $(lib_src) $(all_svc_src) $(cli_src)
	bear -- $(MAKE) -B BUILD=build/bear all

.PHONY: lint lint-versions lint-format lint-cppcheck lint-tidy lint-invariants lint-man lint-metrics
