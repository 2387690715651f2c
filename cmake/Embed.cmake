# SPDX-License-Identifier: MIT
#
# Makes one HTML page of its parts, and of the page an array of bytes in C: cmake -DSOURCE=... -DOUTPUT=page.c -P Embed.cmake
# The page is cut in two at the line "<!-- trace -->": what is written before the data, and what behind.
# In page.html, "<!-- style FILE -->" and "<!-- script FILE -->", "<!-- licence FILE -->" stand for files, by their names from the top of the source tree.

file(READ "${SOURCE}/tools/html/page.html" page)
string(REGEX MATCHALL "<!-- (style|script|licence) [^ ]+ -->" marks "${page}")
foreach(mark IN LISTS marks)
    string(REGEX REPLACE "<!-- ([a-z]+) ([^ ]+) -->" "\\1" element "${mark}")
    string(REGEX REPLACE "<!-- ([a-z]+) ([^ ]+) -->" "\\2" name "${mark}")
    file(READ "${SOURCE}/${name}" content)
    if(content MATCHES "</(style|script)")
        message(FATAL_ERROR "${name} would end its own element")
    endif()
    if(element STREQUAL "licence")
        string(REPLACE "${mark}" "<!--\n${content}-->" page "${page}")
    else()
        string(REPLACE "${mark}" "<${element}>\n${content}</${element}>" page "${page}")
    endif()
endforeach()

string(FIND "${page}" "<!-- trace -->" cut)
if(cut LESS 0)
    message(FATAL_ERROR "page.html has no place for the trace")
endif()
string(SUBSTRING "${page}" 0 ${cut} before)
math(EXPR behind "${cut} + 14")
string(SUBSTRING "${page}" ${behind} -1 after)

set(code "#include \"tools/html/page.h\"\n")
foreach(part before after)
    file(WRITE "${OUTPUT}.${part}" "${${part}}")
    file(READ "${OUTPUT}.${part}" bytes HEX)
    file(REMOVE "${OUTPUT}.${part}")
    string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
    string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
    string(APPEND code "const unsigned char page_${part}[] = {\n${bytes}};\n"
        "const size_t page_${part}_bytes = sizeof(page_${part});\n")
endforeach()
file(WRITE "${OUTPUT}" "${code}")
