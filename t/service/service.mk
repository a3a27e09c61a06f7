# Services that exist for tests alone: $(BUILD)/t/service/NAME/NAME.
test_services := $(patsubst t/service/%/main.c,$(BUILD)/t/service/%,$(wildcard t/service/*/main.c))
test_services := $(foreach s,$(test_services),$(s)/$(notdir $(s)))

$(test_services): %: $$(@D)/main.o $(lib)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

services: $(test_services)
.PHONY: services
