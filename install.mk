# make deb: the Debian package.
#
# make install DESTDIR= PREFIX=/usr: Kedge as a package installs it.  The installed
# `kedge` finds the other files by the path of its own binary, so PREFIX may be
# anything, and it need not be known when Kedge is built.
PREFIX ?= /usr/local
INSTALL ?= install
shared_dirs := sql nginx systemd mail web templates cli/help cli/completion docker monitoring
shared_files = kedge.json $(wildcard kedge.schema.json) \
    $(shell find $(shared_dirs) -type f ! -name '.*' ! -name '*.md' ! -name '*.test.yml' | LC_ALL=C sort)
programs = $(wildcard services/*/programs/*)

install: all
	for s in $(SERVICES); do $(INSTALL) -D -m 755 $(BUILD)/$$s \
	    $(DESTDIR)$(PREFIX)/lib/kedge/$$s || exit 1; done
	$(INSTALL) -D -m 755 $(BUILD)/kedge $(DESTDIR)$(PREFIX)/bin/kedge
	for f in $(programs); do p=$${f#services/}; $(INSTALL) -D -m 755 $$f \
	    $(DESTDIR)$(PREFIX)/lib/kedge/programs/$${p%%/*}/$${f##*/} || exit 1; done
	for f in $(shared_files); do mode=644; case $$f in *.in) ;; *.sh | docker/*) mode=755 ;; esac; \
	    $(INSTALL) -D -m $$mode $$f \
	    $(DESTDIR)$(PREFIX)/share/kedge/$$f || exit 1; done
	for f in docs/*.[1-8]; do $(INSTALL) -D -m 644 $$f \
	    $(DESTDIR)$(PREFIX)/share/man/man$${f##*.}/$${f##*/} || exit 1; done

# The Debian package, in build/deb, of what git has and of the files that it does not
# ignore.  The packages that this needs: apt build-dep .
deb:
	rm -rf build/deb
	mkdir -p build/deb/kedge
	{ git ls-files; git ls-files -o --exclude-standard; } | sort -u | \
	    while read -r f; do [ ! -f "$$f" ] || echo "$$f"; done | \
	    tar -cf - -T - | tar -C build/deb/kedge -xf -
	cd build/deb/kedge && dpkg-buildpackage -us -uc -b
.PHONY: install deb
