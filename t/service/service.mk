# Services that exist for tests alone: $(BUILD)/t/service/NAME/NAME.
test_services := $(patsubst t/service/%/main.c,$(BUILD)/t/service/%,$(wildcard t/service/*/main.c))
test_services := $(foreach s,$(test_services),$(s)/$(notdir $(s)))

$(test_services): %: $$(@D)/main.o $(lib)
	$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)

services: $(test_services)
.PHONY: services

# A library for tests that set the clock; without sanitizers, whose own must come
# first.
clock_shift := $(BUILD)/t/clock/shift.so
$(clock_shift): t/clock/shift.c
	@mkdir -p $(@D)
	$(CC) -D_GNU_SOURCE -std=c17 -O2 $(WARN) -fPIC -shared -o $@ $<
services: $(clock_shift)
