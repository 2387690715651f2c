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
# snprintf is used because it truncates; gcc warns wherever it might.
target_compile_options(gander-flags INTERFACE $<$<C_COMPILER_ID:GNU>:-Wno-format-truncation>)
if(GANDER_WERROR)
    target_compile_options(gander-flags INTERFACE -Werror)
endif()
if(GANDER_DEBUG)
    target_compile_definitions(gander-flags INTERFACE GANDER_DEBUG)
endif()
if(GANDER_SANITIZE)
    target_compile_options(gander-flags INTERFACE -fsanitize=${GANDER_SANITIZE}
        -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(gander-flags INTERFACE -fsanitize=${GANDER_SANITIZE})
    # gcc sees conversions where its own instrumentation stands; the other builds warn rightly.
    target_compile_options(gander-flags INTERFACE $<$<C_COMPILER_ID:GNU>:-Wno-sign-conversion>)
endif()
if(GANDER_FUZZ)
    target_compile_options(gander-flags INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(GANDER_COVERAGE)
    target_compile_options(gander-flags INTERFACE --coverage)
    target_link_options(gander-flags INTERFACE --coverage)
endif()

# The libraries' files are optimised as one: small steps in files of their own cost no calls. Measured: 6 % fewer
# instructions a segment. Only with gcc, whose -r makes a plain object of it, and in builds for use. The objects carry
# plain code as well, for tests that link them one by one.
if(GANDER_LTO AND CMAKE_C_COMPILER_ID STREQUAL "GNU" AND NOT GANDER_INSTRUMENTED AND
   CMAKE_BUILD_TYPE STREQUAL "Release")
    include(CheckIPOSupported)
    check_ipo_supported(RESULT GANDER_LTO_WORKS OUTPUT ignored LANGUAGES C)
    if(GANDER_LTO_WORKS)
        set(GANDER_LTO_COMPILE -flto -ffat-lto-objects)
        set(GANDER_LTO_LINK -flto=auto)
        set(GANDER_LTO_PRELINK -flto=auto -flinker-output=nolto-rel)
        string(APPEND CMAKE_EXE_LINKER_FLAGS " -fno-lto") # tests take the plain code: links in no time
    endif()
endif()

# Empty, so that a file may also define it itself.
add_library(gander-system INTERFACE)
target_compile_definitions(gander-system INTERFACE "_GNU_SOURCE=" _FILE_OFFSET_BITS=64)
