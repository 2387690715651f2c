# SPDX-License-Identifier: MIT
#
# gander_library(NAME SOURCES files [PRIVATE_INCLUDES dirs] [REQUIRES library] [SYSTEM])
#
# Makes three targets from one compilation: NAME-objects (for internal tests), NAME-shared and NAME-static. Out of the
# latter two only gander_* can be seen: the shared one by a version script; the static one is a single relocatable
# object, linked in advance, with all other names made local. It stands beside any other TCP stack in one program.
# SYSTEM: the sources may use the operating system.
function(gander_library name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "SYSTEM" "REQUIRES" "SOURCES;PRIVATE_INCLUDES")
    if(NOT arg_SOURCES)
        return()
    endif()
    set(public_include $<BUILD_INTERFACE:${CMAKE_CURRENT_SOURCE_DIR}/include>
        $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)

    add_library(${name}-objects OBJECT ${arg_SOURCES})
    target_include_directories(${name}-objects PUBLIC include PRIVATE ${arg_PRIVATE_INCLUDES})
    target_compile_options(${name}-objects PRIVATE -Wmissing-prototypes)
    target_link_libraries(${name}-objects PRIVATE gander-flags)
    target_compile_options(${name}-objects PRIVATE ${GANDER_LTO_COMPILE})
    if(arg_SYSTEM)
        target_link_libraries(${name}-objects PRIVATE gander-system)
    endif()
    if(GANDER_INSTRUMENTED)
        return() # such libraries are for tests alone
    endif()

    set(map ${CMAKE_CURRENT_SOURCE_DIR}/cmake/gander.map)
    add_library(${name}-shared SHARED $<TARGET_OBJECTS:${name}-objects>)
    set_target_properties(${name}-shared PROPERTIES OUTPUT_NAME ${name} VERSION ${PROJECT_VERSION}
        SOVERSION ${PROJECT_VERSION_MAJOR} EXPORT_NAME ${name} LINKER_LANGUAGE C LINK_DEPENDS ${map})
    target_link_options(${name}-shared PRIVATE ${GANDER_LTO_LINK} -Wl,--version-script=${map}
        -Wl,--no-undefined)
    target_include_directories(${name}-shared INTERFACE ${public_include})
    if(arg_REQUIRES)
        target_link_libraries(${name}-shared PUBLIC ${arg_REQUIRES}-shared)
    endif()

    add_library(gander::${name} ALIAS ${name}-shared)

    set(linked ${CMAKE_CURRENT_BINARY_DIR}/${name}-linked.o)
    # An archive between, because a custom command cannot depend on the files of an object library.
    # Groups are resolved here: on i686 each object brings the same helper functions, which must not become local copies
    # that a later link then drops. Names with a dot are the optimizer's: gander_f.localalias.
    add_library(${name}-archive STATIC $<TARGET_OBJECTS:${name}-objects>)
    set_target_properties(${name}-archive PROPERTIES LINKER_LANGUAGE C)
    add_custom_command(OUTPUT ${linked}
        COMMAND ${CMAKE_C_COMPILER} -r -nostdlib -Wl,--force-group-allocation ${GANDER_LTO_PRELINK} -o ${linked}
            -Wl,--whole-archive $<TARGET_FILE:${name}-archive> -Wl,--no-whole-archive
        COMMAND ${CMAKE_OBJCOPY} --wildcard --keep-global-symbol=!*.*
            --keep-global-symbol=gander_* ${linked}
        DEPENDS ${name}-archive VERBATIM COMMENT "Linking ${name} into one object")
    add_library(${name}-static STATIC ${linked})
    set_source_files_properties(${linked} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)
    set_target_properties(${name}-static PROPERTIES OUTPUT_NAME ${name} EXPORT_NAME ${name}-static
        LINKER_LANGUAGE C)
    target_include_directories(${name}-static INTERFACE ${public_include})
    if(arg_REQUIRES)
        target_link_libraries(${name}-static INTERFACE ${arg_REQUIRES}-static)
    endif()
    add_library(gander::${name}-static ALIAS ${name}-static)
endfunction()
