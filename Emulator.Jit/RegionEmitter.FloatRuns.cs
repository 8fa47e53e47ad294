using System.Reflection.Emit;
using System.Runtime.Intrinsics.X86;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Label = System.Reflection.Emit.Label;

namespace Emulator.Jit;

/// <content>
/// Runs of SSE arithmetic with one test of numbers for all of it. In the first copy of a stretch the registers that a run writes are temporaries, and
/// what the quick test wants of each instruction's operands and result is put together; behind the last one it is tested once, then the
/// temporaries become the registers. When it fails, or an operand is no hit in the TLB, nothing of the run has happened yet, and the second copy
/// of the stretch, out of line, goes on at the run's first instruction: it takes the second look at each instruction and leaves the region in
/// front of the one that it refuses. Integer instructions between those of a run, which do not see what it does, are emitted behind it.
/// </content>
internal sealed unsafe partial class RegionEmitter
{
    /// <summary>Tests and looks that a stretch with runs must save: the second copy costs compile time.</summary>
    private const int LeastSavedByRuns = 2;

    private readonly LocalBuilder?[] _xmmTemporaries = new LocalBuilder?[8];
    private LocalBuilder? _runTest;

    /// <summary>The run whose first copy is emitted, or null.</summary>
    private FloatRun? _run;

    /// <summary>Lanes that are to be tested at the end of the run; none while there is nothing to test.</summary>
    private SimdLanes _runLanes;
    private Type _runBits = typeof(ulong);

    /// <summary>Whether the second copy of runs is emitted: instructions are not tested, but looked at.</summary>
    private bool _isSecondLookOnly;

    private LocalBuilder RunTest => _runTest ??= _il.DeclareLocal(VectorMethods.Vector);

    /// <summary>The stretch with runs that starts at an instruction, or null.</summary>
    private AccessStretch? FindFloatStretch(RegionBlock block, int start)
    {
        if (!IsLoweredSimd(in block.Ops[start], out _))
        {
            return null;
        }

        int?[] moved = [0, 0, 0, 0, 0, 0, 0, 0];
        Dictionary<int, AccessGroup> groups = [];
        List<GroupedAccess> accesses = [];
        RunFinder runs = new();
        for (int i = start; i < block.Ops.Length; i++)
        {
            ref Op op = ref block.Ops[i];
            if (CanRun(in op, out SimdRow? row))
            {
                runs.Add(i, in op, row!);
            }
            else if (row is not null && IsPlainStore(in op, row))
            {
                runs.End();
            }
            else if (row is null && CanRepeat(in op, out Shape shape) && IsPure(in op))
            {
                runs.Pass(i, in op);
                Move(in op, shape, moved);
                continue;
            }
            else
            {
                break;
            }

            if (HasMemory(in op))
            {
                FindAccess(block, i, row!.Size, row.IsStore, moved, groups, accesses);
            }
        }

        runs.End();
        HashSet<int> kept = KeptGroups(accesses);
        int saved = runs.Saved + accesses.Count(a => a.IsMember && kept.Contains(a.Window)) - kept.Count;
        if (saved < (_modes.HasFlag(EmitModes.Unoptimized) ? 1 : LeastSavedByRuns))
        {
            return null;
        }

        int end = Math.Max(accesses.FindLastIndex(a => a.IsMember && kept.Contains(a.Window)) is >= 0 and int last ? accesses[last].Index + 1 : 0, runs.Found.Count == 0 ? 0 : runs.Found[^1].End);
        return new AccessStretch(start, end, [.. groups.Values.Where(g => kept.Contains(g.Window)).OrderBy(g => g.Window)], [.. accesses.Where(a => a.Index < end)])
        {
            Runs = runs.Found,
        };
    }

    /// <summary>Whether an instruction may be part of a run: it writes an XMM register or, as the last one, compares, and nothing else.</summary>
    private static bool CanRun(in Op op, out SimdRow? row)
    {
        if (!IsLoweredSimd(in op, out row) || row!.Needs is not (SimdNeeds.Sse or SimdNeeds.Float) || !row.IsXmm0 || (HasMemory(in op) && row.IsStore))
        {
            return false;
        }

        SimdLowering lower = row.Lower;
        return (lower == LowerArithmetic && row.Check != SimdCheck.None) || lower == LowerOrder || lower == LowerPacked || lower == LowerShuffle || lower == LowerShiftImmediate
            || lower == LowerMoveWhole || lower == LowerMoveLow || lower == LowerLoadHalf || lower == LowerMovhlps || lower == LowerMovd || lower == LowerFromInteger;
    }

    private static bool IsPlainStore(in Op op, SimdRow row) =>
        HasMemory(in op) && row.IsStore && row.Needs == SimdNeeds.Sse && (row.Lower == LowerMoveWhole || row.Lower == LowerMoveLow || row.Lower == LowerStoreHigh);

    /// <summary>Emits the current run's first copy; behind it the current instruction is the one behind the run.</summary>
    private void EmitFloatRun(FloatRun run)
    {
        bool[] written = new bool[8];
        for (int i = run.Start; i < run.End; i++)
        {
            if (!run.Passed.Contains(i) && IsLoweredSimd(in _block.Ops[i], out SimdRow? row) && !row!.OnlyFlags)
            {
                written[_block.Ops[i].R0] = true;
            }
        }

        AddRunStub(run);
        LocalBuilder?[] registers = [.. _xmm];
        for (int i = 0; i < 8; i++)
        {
            if (written[i])
            {
                _xmm[i] = _xmmTemporaries[i] ??= _il.DeclareLocal(VectorMethods.Vector);
                _il.Emit(OpCodes.Ldloc, registers[i]!);
                _il.Emit(OpCodes.Stloc, _xmm[i]!);
            }
        }

        _run = run;
        _runLanes = SimdLanes.None;
        EmitRunPart(run, isPassed: false);
        EmitRunTest();
        _run = null;
        for (int i = 0; i < 8; i++)
        {
            if (written[i])
            {
                _il.Emit(OpCodes.Ldloc, _xmm[i]!);
                _il.Emit(OpCodes.Stloc, registers[i]!);
                _xmm[i] = registers[i];
            }
        }

        EmitRunPart(run, isPassed: true);
        _index = run.End;
    }

    private void EmitRunPart(FloatRun run, bool isPassed)
    {
        uint eip = _eip;
        for (_index = run.Start; _index < run.End; _index++)
        {
            ref Op op = ref _block.Ops[_index];
            if (run.Passed.Contains(_index) == isPassed)
            {
                EmitRepeated(in op);
            }

            _eip += op.Length;
        }

        if (!isPassed)
        {
            _eip = eip;
        }
    }

    /// <summary>
    /// The way from a run to the second copy, with the registers that the run uses by way of the state. Otherwise the host's compiler would keep the
    /// results of the first copy, which it knows to be the same, for the second.
    /// </summary>
    private void AddRunStub(FloatRun run)
    {
        RegionBlock block = _block;
        run.Failed = _il.DefineLabel();
        _stubs.Add(() =>
        {
            _il.MarkLabel(run.Failed);
            for (int i = 0; i < 8; i++)
            {
                bool isUsed = false;
                for (int k = run.Start; k < run.End; k++)
                {
                    ref Op op = ref block.Ops[k];
                    isUsed |= IsLoweredSimd(in op, out SimdRow? row) && (op.R0 == i || (row!.IsXmm1 && !HasMemory(in op) && op.R1 == i));
                }

                if (!isUsed)
                {
                    continue;
                }

                EmitState(StateLayout.Xmm + (16 * i));
                if (_xmmWritten[i])
                {
                    _il.Emit(OpCodes.Ldloc, _xmm[i]!);
                    _il.Emit(OpCodes.Stobj, VectorMethods.Vector);
                    EmitState(StateLayout.Xmm + (16 * i));
                }

                _il.Emit(OpCodes.Ldobj, VectorMethods.Vector);
                _il.Emit(OpCodes.Stloc, _xmm[i]!);
            }

            _il.Emit(OpCodes.Br, run.Second);
        });
    }

    /// <summary>In the first copy of a run: adds what was ANDed together from the vectors of one instruction, pushed last, to the test.</summary>
    private void EmitAddToRunTest(SimdLanes lanes, Type bits)
    {
        EmitAs(bits, typeof(byte));
        if (_runLanes != SimdLanes.None)
        {
            _il.Emit(OpCodes.Ldloc, RunTest);
            _il.Emit(OpCodes.Call, VectorMethods.Binary(nameof(Sse2.And), typeof(byte)));
        }

        _il.Emit(OpCodes.Stloc, RunTest);
        _runLanes = lanes;
        _runBits = bits;
    }

    /// <summary>In the first copy of a run: tests what was put together, if that was not done yet; on to the second copy when it does not hold.</summary>
    private void EmitRunTest()
    {
        if (_run is null || _runLanes == SimdLanes.None)
        {
            return;
        }

        _il.Emit(OpCodes.Ldloc, RunTest);
        EmitTestLanes(_runLanes, _runBits, typeof(byte));
        _il.Emit(OpCodes.Brfalse, _run.Failed);
        _runLanes = SimdLanes.None;
    }

    /// <summary>Instructions of a stretch with one test for all of them.</summary>
    /// <param name="Start">The first one.</param>
    /// <param name="End">One behind the last.</param>
    /// <param name="Passed">Integer instructions between them that are emitted behind the run.</param>
    private sealed record FloatRun(int Start, int End, HashSet<int> Passed)
    {
        /// <summary>Where the first copy goes when the test fails.</summary>
        public Label Failed { get; set; }

        /// <summary>The run in the second copy.</summary>
        public Label Second { get; set; }
    }

    /// <summary>Finds the runs of a stretch.</summary>
    private sealed class RunFinder
    {
        private const int FewestTests = 2;

        private readonly HashSet<int> _passed = [];
        private readonly HashSet<int> _written = [];
        private SimdLanes _lanes;
        private int _start = -1;
        private int _end;
        private int _tests;

        /// <summary>The runs, in order.</summary>
        public List<FloatRun> Found { get; } = [];

        /// <summary>Tests saved.</summary>
        public int Saved { get; private set; }

        /// <summary>An SSE instruction that may be part of a run.</summary>
        public void Add(int index, in Op op, SimdRow row)
        {
            bool isOrder = row.Lower == LowerOrder;
            bool isTest = isOrder || row.Lower == LowerArithmetic;
            SimdLanes lanes = row.Operands | row.Result;
            if ((isTest && _tests != 0 && lanes != _lanes) || (isOrder && _passed.Count != 0) || Reads(in op, row))
            {
                End();
            }

            _start = _start < 0 ? index : _start;
            if (isTest)
            {
                _lanes = lanes;
                _tests++;
                _end = index + 1;
            }

            if (isOrder)
            {
                End();
            }
        }

        /// <summary>An integer instruction that only changes registers and flags.</summary>
        public void Pass(int index, in Op op)
        {
            if (_start >= 0)
            {
                _passed.Add(index);
                _written.UnionWith(WrittenRegisters(in op));
            }
        }

        /// <summary>Ends a run, and keeps it when it is worth it.</summary>
        public void End()
        {
            if (_tests >= FewestTests)
            {
                Found.Add(new FloatRun(_start, _end, [.. _passed.Where(i => i < _end)]));
                Saved += _tests - 1;
            }

            _passed.Clear();
            _written.Clear();
            _start = -1;
            _tests = 0;
        }

        /// <summary>Whether an instruction reads a general register that an instruction which is emitted behind the run may write.</summary>
        private bool Reads(in Op op, SimdRow row) =>
            _written.Count != 0 && (HasMemory(in op)
                ? (op.Base != CpuState.ZeroOffset && _written.Contains(op.Base >> 3)) || (op.Index != CpuState.ZeroOffset && _written.Contains(op.Index >> 3))
                : row.Lower == LowerFromInteger || row.Lower == LowerMovd);
    }
}
