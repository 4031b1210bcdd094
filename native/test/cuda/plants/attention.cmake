# One bug each, planted into a copy of attention's sources: its test must fail, in one order of threads or in the other.
set(attention_sources ${CMAKE_SOURCE_DIR}/src/cuda)
add_library(attention_test_object OBJECT attention_test.cu)
target_include_directories(attention_test_object PRIVATE ${CMAKE_SOURCE_DIR}/include ${attention_sources} .)

function(plant_into_attention name kernel file right wrong)
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
    add_executable(cuda_plant_${name} ${folder}/${kernel} $<TARGET_OBJECTS:attention_test_object>)
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
