# SPDX-License-Identifier: MIT
#
# gander-flags: how every C file is compiled. gander-system: what code outside the core may see besides.

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
# One set of objects serves the static and the shared library; the version script makes calls between them direct again.
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(gander-flags INTERFACE)
target_compile_options(gander-flags INTERFACE -Wall -Wextra -Wconversion -Wshadow -Wvla
    -Wstrict-prototypes -Wpointer-arith -fno-semantic-interposition -ffunction-sections
    -fdata-sections)
if(GANDER_WERROR)
    target_compile_options(gander-flags INTERFACE -Werror)
endif()
if(GANDER_DEBUG)
    target_compile_definitions(gander-flags INTERFACE GANDER_DEBUG)
endif()
if(GANDER_INSTRUMENTED)
    # Instrumentation hides what the optimizer knows of lengths: false alarms.
    target_compile_options(gander-flags INTERFACE $<$<C_COMPILER_ID:GNU>:-Wno-format-truncation>)
endif()
if(GANDER_SANITIZE)
    target_compile_options(gander-flags INTERFACE -fsanitize=${GANDER_SANITIZE}
        -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(gander-flags INTERFACE -fsanitize=${GANDER_SANITIZE})
endif()
if(GANDER_COVERAGE)
    target_compile_options(gander-flags INTERFACE --coverage)
    target_link_options(gander-flags INTERFACE --coverage)
endif()

# Empty, so that a file may also define it itself.
add_library(gander-system INTERFACE)
target_compile_definitions(gander-system INTERFACE "_GNU_SOURCE=")
