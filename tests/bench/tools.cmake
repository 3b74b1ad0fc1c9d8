# Plain programs that measure and provoke the engine from outside; none links it.
function(hilum_bench_tool name)
  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tests/bench/${name}/*.cpp)
  add_executable(${name} ${sources})
  target_link_libraries(${name} PRIVATE hilum_options Threads::Threads)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests/bench)
endfunction()

if(NOT TARGET load)
  hilum_bench_tool(floor)
  hilum_bench_tool(load)
  hilum_bench_tool(sink)
endif()
