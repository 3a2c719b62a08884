// All cells: written by cells.py.
void cells_of_callback();
void cells_of_future();
void cells_of_old_style();
void cells_of_generator();
void cells_of_coroutine();
void cells_of_async_generator();
void cells_of_portal();
void cells_of_asio_operation();
void cells_of_asio_awaitable();
void cells_of_coroutine2();
void cells_of_std_future();
void cells_of_thread();

int main() {
  cells_of_callback();
  cells_of_future();
  cells_of_old_style();
  cells_of_generator();
  cells_of_coroutine();
  cells_of_async_generator();
  cells_of_portal();
  cells_of_asio_operation();
  cells_of_asio_awaitable();
  cells_of_coroutine2();
  cells_of_std_future();
  cells_of_thread();
}
