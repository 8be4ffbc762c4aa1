#include "check.h"

unsigned checks_made;

void wire_tests(void);
void radio_tests(void);
void device_tests(void);
void camera_tests(void);

int main(void) {
  wire_tests();
  radio_tests();
  device_tests();
  camera_tests();
  printf("%u checks\n", checks_made);
  return 0;
}
