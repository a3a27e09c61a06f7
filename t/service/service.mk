# Services that exist for tests alone: $(BUILD)/t/service/NAME/NAME.
test_services := $(patsubst t/service/%/main.c,$(BUILD)/t/service/%,$(wildcard t/service/*/main.c))
test_services := $(foreach s,$(test_services),$(s)/$(notdir $(s)))

$(test_services): %: $$(@D)/main.o $(lib)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

services: $(test_services)
.PHONY: services

# Libraries that tests preload (Kedge::Preload); without sanitizers, whose own
# must come first.
preloads := $(patsubst %.c,$(BUILD)/%.so,$(wildcard t/preload/*.c))
$(preloads): $(BUILD)/%.so: %.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=c17 -O2 $(WARN) -fPIC -shared -o $@ $<
services: $(preloads)
