# One bug each, planted into a copy of attention's sources: its test must fail, in one order of threads or in the other.
set(attention_sources ${CMAKE_SOURCE_DIR}/src/cuda)
foreach(test attention_test attention_hopper_test)
    add_library(${test}_object OBJECT ${test}.cu)
    target_include_directories(${test}_object PRIVATE ${CMAKE_SOURCE_DIR}/include ${attention_sources} .)
endforeach()

# The entry that asks for the planted Hopper kernel, not for the library's.
add_library(attention_entry_object OBJECT ${attention_sources}/attention_forward.cu)
target_include_directories(attention_entry_object PRIVATE ${CMAKE_SOURCE_DIR}/include ${attention_sources} .)
set(hopper attention_hopper_test_object attention_entry_object)

# Objects go behind what is planted: a test's main, if it is another than attention_test's, and what else the bug needs.
function(plant_into_attention name kernel file right wrong)
    set(objects ${ARGN})
    if(NOT objects)
        set(objects attention_test_object)
    endif()
    list(TRANSFORM objects REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>")
    set(folder ${CMAKE_CURRENT_BINARY_DIR}/plants/${name})
    file(GLOB sources RELATIVE ${attention_sources} ${attention_sources}/attention*)
    foreach(source ${sources})
        file(READ ${attention_sources}/${source} text)
        if(source STREQUAL file)
            string(FIND "${text}" "${right}" found)
            if(found EQUAL -1)
                message(FATAL_ERROR "nowhere to plant ${name}: ${file} has no '${right}'")
            endif()
            string(REPLACE "${right}" "${wrong}" text "${text}")
        endif()
        file(CONFIGURE OUTPUT ${folder}/${source} CONTENT "${text}" @ONLY)
        set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${attention_sources}/${source})
    endforeach()
    set_source_files_properties(${folder}/${kernel} PROPERTIES LANGUAGE CXX)
    add_executable(cuda_plant_${name} ${folder}/${kernel} ${objects})
    target_link_libraries(cuda_plant_${name} PRIVATE longspan_cuda_emulated)
    set(test $<TARGET_FILE:cuda_plant_${name}>)
    add_test(NAME cuda_plant_${name} COMMAND sh -c "! { ${test} && LONGSPAN_EMULATOR_ORDER=backward ${test}; }")
endfunction()

plant_into_attention(tile_bound attention_forward.cu attention_forward.cu
    "end_tile = (block.greatest_end + COLUMNS - 1) / COLUMNS;" "end_tile = block.greatest_end / COLUMNS;")
plant_into_attention(dilated_row attention_forward.cu attention_tile.h
    "at + rows.start * row;" "at + (rows.start + (rows.period > 1)) * row;")
plant_into_attention(missing_barrier attention_forward.cu attention.h
    "wait_for_copies<STAGES - 2>();\n        barrier();" "wait_for_copies<STAGES - 2>();")
plant_into_attention(missing_wait attention_forward.cu attention.h
    "wait_for_copies<STAGES - 2>();" "wait_for_copies<STAGES - 1>();")
plant_into_attention(last_query attention_backward.cu attention_backward.cu
    "end_tile = (end_tile + COLUMNS - 1) / COLUMNS;" "end_tile = end_tile / COLUMNS;")
plant_into_attention(hopper_phase attention_hopper.cu attention_hopper.cu
    "wait(phase(tile) ^ 1);" "wait(phase(tile));" ${hopper})
plant_into_attention(hopper_early_release attention_hopper.cu attention_hopper.cu
    "wait_for_products<0>();\n            settle(out);\n            values.release(tile - 1);"
    "values.release(tile - 1);\n            wait_for_products<0>();\n            settle(out);" ${hopper})
plant_into_attention(hopper_fence attention_hopper.cu attention_hopper.cu
    "wait_for_copies<0>();\n    share_writes();" "wait_for_copies<0>();" ${hopper})
plant_into_attention(hopper_swizzle attention_hopper.cu attention_hopper.cu
    "chunk_at(r, c % 8)" "r * ROW_BYTES + c % 8 * 16" ${hopper})
