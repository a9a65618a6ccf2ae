import { treeOf } from '../../local/process-tree';

describe('treeOf', () => {
  test('has everything below a process, children first, and nothing else', () => {
    const processes = [
      { pid: 1, parent: 0 },
      { pid: 10, parent: 1 },
      { pid: 11, parent: 10 },
      { pid: 12, parent: 11 },
      { pid: 13, parent: 10 },
      { pid: 20, parent: 1 },
    ];
    expect(treeOf(10, processes)).toEqual([12, 11, 13, 10]);
    expect(treeOf(20, processes)).toEqual([20]);
  });
});
