"""Stratified folds that keep groups together: scikit-learn's StratifiedGroupKFold(shuffle=False).

Prints, for the labels and groups below, the fold of each row: what FoldsTests.swift has.

    python stratified_groups.py
"""
import numpy as np
from sklearn.model_selection import StratifiedGroupKFold


def sequence(seed, count, below):
    """Small numbers that any language makes alike."""
    numbers = []
    for _ in range(count):
        seed = (seed * 1103515245 + 12345) % 2**31
        numbers.append((seed >> 16) % below)
    return np.array(numbers)


for seed, rows, classes, groups, folds in [(1, 60, 2, 17, 3), (2, 83, 3, 30, 5), (3, 40, 2, 12, 4)]:
    group = sequence(seed, rows, groups)
    label = (sequence(seed + 100, rows, 7) + group) % 5 % classes
    assigned = np.zeros(rows, int)
    for fold, (_, test) in enumerate(StratifiedGroupKFold(folds).split(np.zeros(rows), label, group)):
        assigned[test] = fold
    print(f'({seed}, {rows}, {classes}, {groups}, {folds}, "{"".join(map(str, assigned))}"),')
