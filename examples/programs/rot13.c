/* Built with: cc -O2 -o rot13 rot13.c, deployed with: skiff deploy rot13 --runtime program */
#include <stdio.h>

int main(void) {
  for (int c; (c = getchar()) != EOF;) {
    if (c >= 'a' && c <= 'z') c = 'a' + (c - 'a' + 13) % 26;
    else if (c >= 'A' && c <= 'Z') c = 'A' + (c - 'A' + 13) % 26;
    putchar(c);
  }
  return 0;
}
